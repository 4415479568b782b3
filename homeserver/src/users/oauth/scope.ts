import { OAuthError } from "./oauth-error.ts";

/** The words of the protocol, and those that MSC2967 had before. */
const API = ["urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*"];
const DEVICE = ["urn:matrix:client:device:", "urn:matrix:org.matrix.msc2967.client:device:"];
const MAX_DEVICE_ID = 255;
const MAX_SCOPE = 2_048;

/** A scope that can be granted. */
interface Scope {
  /** The tokens that mean something here, as the client has written them. */
  readonly granted: string;
  /** The device that the client asks for. */
  readonly deviceId: string;
}

/**
 * Reads a scope: full access, and one device. Other tokens are not granted, and no error.
 * (Client-server API, "Scope".)
 * @throws OAuthError invalid_scope
 */
export function readScope(text: string | undefined): Scope {
  const tokens = (text ?? "").split(" ").filter((token) => token !== "");
  if ((text ?? "").length > MAX_SCOPE) throw invalid("The scope is too long");
  if (!tokens.every((token) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(token))) {
    throw invalid("The scope holds characters that none may");
  }
  const api = tokens.find((token) => API.includes(token));
  if (api === undefined) throw invalid(`The scope lacks ${API[0]}`);
  const devices = new Set(tokens.filter((token) => deviceIn(token) !== undefined));
  const [device] = devices;
  if (device === undefined || devices.size > 1) {
    throw invalid(`The scope has to name one device: ${DEVICE[0]}…`.replace("…", "<device_id>"));
  }
  const deviceId = deviceIn(device)!;
  if (deviceId === "" || deviceId.length > MAX_DEVICE_ID) {
    throw invalid(`The id of a device has 1 to ${MAX_DEVICE_ID} characters`);
  }
  return { granted: `${api} ${device}`, deviceId };
}

function deviceIn(token: string): string | undefined {
  const prefix = DEVICE.find((each) => token.startsWith(each));
  return prefix === undefined ? undefined : token.slice(prefix.length);
}

function invalid(message: string): OAuthError {
  return new OAuthError("invalid_scope", message);
}
