import type { FastifyRequest } from "fastify";
import { isEd25519KeyId, verifyTextAsync } from "../protocol/crypto.ts";
import { errors } from "../protocol/errors.ts";
import { type ServerName, isServerName } from "../protocol/identifiers.ts";
import { type Json, JsonError, canonicalJsonLoose } from "../protocol/json.ts";
import type { KeyRing } from "../remote/key-ring.ts";
import { parseXMatrix } from "./x-matrix.ts";

export interface SignatureCheck {
  readonly serverName: ServerName;
  readonly keyRing: Pick<KeyRing, "keys">;
  readonly now: () => number;
}

/**
 * The server that signed the request, its body and exact URI included. The body must have been parsed.
 * (Server-server API, "Request Authentication".)
 * @throws MatrixError M_UNAUTHORIZED 401
 */
export async function authenticateServer(
  request: FastifyRequest,
  { serverName, keyRing, now }: SignatureCheck,
): Promise<ServerName> {
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
  const [key] = await keyRing.keys([{ server: origin, keyId, validAt: now() }]);
  if (!key) throw errors.unauthorized(`The key ${keyId} of ${origin} cannot be had or has expired`);
  const text = signedText(request, origin, destination);
  if (!(await verifyTextAsync(text, sig, key))) throw errors.unauthorized("The signature is wrong");
  return origin;
}

function signedText(request: FastifyRequest, origin: string, destination?: string): string {
  const body = request.body as Json | undefined;
  try {
    return canonicalJsonLoose({
      method: request.method,
      uri: request.raw.url ?? "",
      origin,
      ...(destination === undefined ? {} : { destination }),
      ...(body === undefined || body === null ? {} : { content: body }),
    });
  } catch (error) {
    if (error instanceof JsonError) throw errors.badJson(error.message);
    throw error;
  }
}
