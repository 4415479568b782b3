import { errors } from "../errors.ts";
import { fitsIdLength } from "../identifiers.ts";

/** The name of a key: `<algorithm>:<id>`. */
export interface KeyName {
  readonly algorithm: string;
  readonly id: string;
}

/** The device whose keys something claims to be. */
export interface KeyOwner {
  readonly userId: string;
  readonly deviceId: string;
}

const ALGORITHM = /^[a-z][a-z0-9_.-]*$/;
/** 32 bytes in unpadded base64. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}$/;

/** The name of the key that a device signs with. */
export function signingKeyName({ deviceId }: Pick<KeyOwner, "deviceId">): string {
  return `ed25519:${deviceId}`;
}

/** True for the public key of Curve25519 or Ed25519 as clients write it: unpadded base64. */
export function isPublicKey(text: unknown): text is string {
  return typeof text === "string" && PUBLIC_KEY.test(text);
}

/**
 * Takes the name of a key apart at its first colon.
 * @throws MatrixError M_INVALID_PARAM 400, naming the key
 */
export function parseKeyName(name: string): KeyName {
  const shown = shownName(name);
  if (!name.isWellFormed() || name.includes("\0")) {
    throw errors.invalidParam(`The name ${shown} holds characters that are not allowed`);
  }
  const colon = name.indexOf(":");
  const algorithm = name.slice(0, Math.max(colon, 0));
  const id = name.slice(colon + 1);
  if (!ALGORITHM.test(algorithm) || id === "") {
    throw errors.invalidParam(`${shown} is not the name of a key: that is <algorithm>:<id>`);
  }
  if (!fitsIdLength(algorithm) || !fitsIdLength(id)) {
    throw errors.invalidParam(`A part of the name ${shown} is longer than 255 bytes`);
  }
  return { algorithm, id };
}

/** A name as error messages show it. */
export function shownName(name: string): string {
  const short = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return JSON.stringify(short.toWellFormed());
}
