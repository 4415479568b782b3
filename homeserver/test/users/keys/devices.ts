/** Devices with keys of their own, as clients have them. */
import { createHash } from "node:crypto";
import { type SigningKey, signingKeyFromSeed } from "../../../src/protocol/crypto.ts";
import type { UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { signJson } from "../../../src/protocol/signed-json.ts";

export interface TestDevice {
  userId: UserId;
  deviceId: string;
  key: SigningKey;
  /** Signs in the device's name. */
  sign(object: JsonObject): JsonObject;
  deviceKeys(more?: JsonObject): JsonObject;
  oneTimeKey(seed: string, more?: JsonObject): JsonObject;
  /** `signed_curve25519` keys with these ids. */
  oneTimeKeys(ids: readonly string[], more?: JsonObject): JsonObject;
}

/** 32 bytes that follow from a text. */
const seedOf = (text: string): Buffer => createHash("sha256").update(text).digest();
export const publicKeyOf = (text: string): string => seedOf(text).toString("base64").slice(0, 43);

export function makeDevice(
  userId: UserId,
  deviceId: string,
  seed = `${userId} ${deviceId}`,
): TestDevice {
  // A device's id may hold what the names of servers' keys may not.
  const key = { ...signingKeyFromSeed("ed25519:1", seedOf(seed)), keyId: `ed25519:${deviceId}` };
  const sign = (object: JsonObject) => signJson(object, userId, key);
  const oneTimeKey = (text: string, more: JsonObject = {}) =>
    sign({ key: publicKeyOf(`${seed} ${text}`), ...more });
  return {
    userId,
    deviceId,
    key,
    sign,
    oneTimeKey,
    deviceKeys: (more = {}) =>
      sign({
        user_id: userId,
        device_id: deviceId,
        algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        keys: {
          [`curve25519:${deviceId}`]: publicKeyOf(`${seed} identity`),
          [`ed25519:${deviceId}`]: key.publicKeyBase64,
        },
        ...more,
      }),
    oneTimeKeys: (ids, more) =>
      Object.fromEntries(ids.map((id) => [`signed_curve25519:${id}`, oneTimeKey(id, more)])),
  };
}

export interface TestIdentity {
  master: SigningKey;
  selfSigning: SigningKey;
  userSigning: SigningKey;
  /** The body of an upload of all three keys. */
  keys: { master_key: JsonObject; self_signing_key: JsonObject; user_signing_key: JsonObject };
}

/** Cross-signing keys of a user. */
export function makeIdentity(userId: UserId, seed = "first"): TestIdentity {
  const make = (usage: string) => {
    // An id of a key needs its public key, which is the same under any id.
    const { publicKeyBase64 } = signingKeyFromSeed(
      "ed25519:x",
      seedOf(`${userId} ${seed} ${usage}`),
    );
    const key = signingKeyFromSeed("ed25519:x", seedOf(`${userId} ${seed} ${usage}`));
    return { ...key, keyId: `ed25519:${publicKeyBase64}` };
  };
  const [master, selfSigning, userSigning] = ["master", "self", "user"].map(make) as [
    SigningKey,
    SigningKey,
    SigningKey,
  ];
  const shape = (usage: string, { keyId, publicKeyBase64 }: SigningKey): JsonObject => ({
    user_id: userId,
    usage: [usage],
    keys: { [keyId]: publicKeyBase64 },
  });
  return {
    master,
    selfSigning,
    userSigning,
    keys: {
      master_key: shape("master", master),
      self_signing_key: signJson(shape("self_signing", selfSigning), userId, master),
      user_signing_key: signJson(shape("user_signing", userSigning), userId, master),
    },
  };
}
