/** Devices and keys as another server's users have them. */
import { systemRandom } from "../../src/platform/random.ts";
import { generateSigningKey, type SigningKey, signText } from "../../src/protocol/crypto.ts";
import { canonicalJson, type JsonObject } from "../../src/protocol/json.ts";

export const newKey = (): SigningKey => generateSigningKey(systemRandom.bytes);

/** The object signed with these keys, by the names of the keys, in the user's name. */
export function signed(
  object: JsonObject,
  userId: string,
  signers: Readonly<Record<string, SigningKey>>,
): JsonObject {
  const text = canonicalJson(object);
  const own = Object.entries(signers).map(([name, key]) => [name, signText(text, key)] as const);
  return { ...object, signatures: { [userId]: Object.fromEntries(own) } };
}

export interface Keys {
  readonly key: SigningKey;
  readonly object: JsonObject;
}

/** A device's keys, signed by it, and by a self-signing key if there is one. */
export function deviceOf(userId: string, deviceId: string, selfSigning?: Keys): Keys {
  const key = newKey();
  const object = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    keys: {
      [`curve25519:${deviceId}`]: newKey().publicKeyBase64,
      [`ed25519:${deviceId}`]: key.publicKeyBase64,
    },
  };
  const signers = { [`ed25519:${deviceId}`]: key, ...(selfSigning && signerOf(selfSigning.key)) };
  return { key, object: signed(object, userId, signers) };
}

const signerOf = (key: SigningKey) => ({ [`ed25519:${key.publicKeyBase64}`]: key });

/** A cross-signing key, signed by the master key if that is given. */
export function crossSigningKey(userId: string, usage: string, master?: Keys): Keys {
  const key = newKey();
  const name = `ed25519:${key.publicKeyBase64}`;
  const object = { user_id: userId, usage: [usage], keys: { [name]: key.publicKeyBase64 } };
  return { key, object: master ? signed(object, userId, signerOf(master.key)) : object };
}

export const crossSigning = (userId: string) => {
  const master = crossSigningKey(userId, "master");
  return { master, selfSigning: crossSigningKey(userId, "self_signing", master) };
};
