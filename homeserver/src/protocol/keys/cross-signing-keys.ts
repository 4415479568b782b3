import { type VerifyKey, verifyKeyFromBase64 } from "../crypto.ts";
import { errors } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import { isPublicKey, shownName } from "./key-names.ts";
import { divideSigned, type SignedObject } from "./signed-object.ts";

/** What a cross-signing key is for. */
export type KeyUsage = "master" | "self_signing" | "user_signing";

/** A user's cross-signing key. */
export interface CrossSigningKey extends SignedObject {
  readonly usage: KeyUsage;
  /** Unpadded base64. */
  readonly publicKey: string;
  /** `ed25519:<public key>`. */
  readonly name: string;
  readonly verifyKey: VerifyKey;
}

/**
 * Checks the shape of a cross-signing key. Its signatures are still to be verified. (Client-server
 * API, "Cross-signing".)
 * @throws MatrixError M_BAD_JSON or M_INVALID_PARAM 400, naming the key
 */
export function readCrossSigningKey(
  value: unknown,
  userId: string,
  usage: KeyUsage,
): CrossSigningKey {
  const what = `${usage}_key`;
  if (!isJsonObject(value)) throw errors.badJson(`${what} is not an object`);
  if (value["user_id"] !== userId) {
    throw errors.invalidParam(`${what}.user_id is not ${userId}`);
  }
  const usages = value["usage"];
  if (!Array.isArray(usages) || usages.some((one) => typeof one !== "string")) {
    throw errors.badJson(`${what}.usage is not a list of texts`);
  }
  if (!usages.includes(usage)) throw errors.invalidParam(`${what}.usage lacks ${usage}`);
  const { keys } = value;
  if (!isJsonObject(keys)) throw errors.badJson(`${what}.keys is not an object`);
  const [entry, ...more] = Object.entries(keys);
  if (entry === undefined || more.length > 0) {
    throw errors.invalidParam(`${what}.keys has to hold exactly one key`);
  }
  const [name, publicKey] = entry;
  if (!isPublicKey(publicKey) || name !== `ed25519:${publicKey}`) {
    throw errors.invalidParam(
      `${what}.keys holds ${shownName(name)}: it has to be ed25519:<public key> with the same public key as value`,
    );
  }
  const signed = divideSigned(value, userId);
  if (signed === undefined) {
    throw errors.invalidParam(`${what} holds what canonical JSON forbids, or is nested too deep`);
  }
  return { ...signed, usage, publicKey, name, verifyKey: verifyKeyFromBase64(publicKey) };
}
