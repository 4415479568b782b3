import { signText, type SigningKey, type VerifyKey, verifyText } from "./crypto.ts";
import { canonicalJsonLoose, isJsonObject, type Json, JsonError, type JsonObject } from "./json.ts";

/**
 * The object with this server's signature added under `signatures`; others' signatures and
 * `unsigned` stay and are not covered. (Appendices, "Signing JSON".)
 */
export function signJson(object: JsonObject, serverName: string, key: SigningKey): JsonObject {
  const signature = signText(signedText(object), key);
  return {
    ...object,
    signatures: withSignature(object.signatures, serverName, key.keyId, signature),
  };
}

/** `signatures` with one more in it; whatever is no object in there is replaced. */
export function withSignature(
  signatures: Json | undefined,
  serverName: string,
  keyId: string,
  signature: string,
): JsonObject {
  const all = isJsonObject(signatures) ? signatures : {};
  const own = all[serverName];
  return { ...all, [serverName]: { ...(isJsonObject(own) ? own : {}), [keyId]: signature } };
}

/** What a signature covers: canonical JSON without `signatures` and `unsigned`. */
function signedText(object: JsonObject): string {
  const { signatures: _signatures, unsigned: _unsigned, ...covered } = object;
  return canonicalJsonLoose(covered);
}

/**
 * What a signature would cover; undefined for what nobody can have signed, such as half of a
 * surrogate pair.
 */
export function signableText(object: JsonObject): string | undefined {
  try {
    return signedText(object);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** The signature that `signatures[serverName][keyId]` holds; undefined when there is none. */
export function signatureOf(
  signatures: Json | undefined,
  serverName: string,
  keyId: string,
): string | undefined {
  if (!isJsonObject(signatures) || !Object.hasOwn(signatures, serverName)) return undefined;
  const own = signatures[serverName];
  if (!isJsonObject(own) || !Object.hasOwn(own, keyId)) return undefined;
  const signature = own[keyId];
  return typeof signature === "string" ? signature : undefined;
}

/** Ids of the ed25519 keys that the server has signed with; other algorithms are left out. */
export function signingKeyIds(signatures: Json | undefined, serverName: string): string[] {
  if (!isJsonObject(signatures) || !Object.hasOwn(signatures, serverName)) return [];
  const own = signatures[serverName];
  if (!isJsonObject(own)) return [];
  return Object.keys(own).filter((keyId) => keyId.startsWith("ed25519:"));
}

/** True when the server's signature with that key is there and right. */
export function verifySignedJson(
  object: JsonObject,
  serverName: string,
  keyId: string,
  key: VerifyKey,
): boolean {
  const signature = signatureOf(object.signatures, serverName, keyId);
  if (signature === undefined) return false;
  const text = signableText(object);
  return text !== undefined && verifyText(text, signature, key);
}
