import type { FastifyRequest } from "fastify";
import { isEd25519KeyId, verifyTextAsync } from "../../protocol/crypto.ts";
import { networkOf } from "../../platform/client-address.ts";
import { errors } from "../../protocol/errors.ts";
import { type ServerName, isServerName } from "../../protocol/identifiers.ts";
import { JsonError } from "../../protocol/json.ts";
import type { KeyRing } from "../../federation-client/keys/key-ring.ts";
import type { Proof } from "../body/body.ts";
import { signedText } from "../body/judge-body.ts";
import { parseXMatrix } from "./x-matrix.ts";

export interface SignatureCheck {
  readonly serverName: ServerName;
  readonly keyRing: Pick<KeyRing, "requestKey">;
  readonly now: () => number;
  /** Servers with which this one does not federate. Absent: there are none. */
  readonly isBlocked?: ((server: ServerName) => boolean) | undefined;
}

/** The server named in a request's header, and the way to prove its identity. */
export interface Claim extends Proof {
  readonly origin: ServerName;
}

/**
 * Reads the header, before the body: it must be meant for this server, and name a key that is
 * available and valid. `beforeAsking` is called when the other server has to be asked for the key.
 * (Server-server API, "Request Authentication".)
 * @throws MatrixError M_UNAUTHORIZED 401; M_FORBIDDEN 403 for a server that is blocked
 */
export async function claimedServer(
  request: FastifyRequest,
  { serverName, keyRing, now, isBlocked }: SignatureCheck,
  beforeAsking: () => Promise<void>,
): Promise<Claim> {
  const header = parseXMatrix(request.headers.authorization);
  if (!header)
    throw errors.unauthorized("The X-Matrix authorization header is missing or malformed");
  const { origin, destination, key: keyId, sig } = header;
  if (!isServerName(origin) || !isEd25519KeyId(keyId)) {
    throw errors.unauthorized("The X-Matrix header names no server or no ed25519 key");
  }
  if (destination !== undefined && destination !== serverName) {
    throw errors.unauthorized(`This is ${serverName}, and the request is for another server`);
  }
  if (isBlocked?.(origin)) throw errors.forbidden(`This server does not federate with ${origin}`);
  if (!SIGNATURE.test(sig)) throw errors.unauthorized("The X-Matrix header holds no signature");
  const wanted = { server: origin, keyId, validAt: now() };
  const requester = networkOf(request.found?.ip ?? "");
  const key = await keyRing.requestKey(wanted, beforeAsking, requester);
  if (!key) throw errors.unauthorized(`The key ${keyId} of ${origin} cannot be had or has expired`);
  const { method } = request;
  const uri = request.raw.url ?? "";
  const signed = { method, uri, origin, destination, sig, publicKey: key.publicKeyBase64 };
  return {
    origin,
    signed,
    async verify(content) {
      let text: string;
      try {
        text = signedText(signed, content);
      } catch (error) {
        if (error instanceof JsonError) throw errors.badJson(error.message);
        throw error;
      }
      if (await verifyTextAsync(text, sig, key)) return;
      throw errors.unauthorized("The signature is wrong");
    },
  };
}

/** 64 bytes in base64, padded or not. */
const SIGNATURE = /^[A-Za-z0-9+/_-]{86}(==)?$/;
