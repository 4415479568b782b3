/** Keys of devices and users of the peer. */
import { crossSigningKey as keyObject, createDevice, keyNamed } from "../../harness/device-keys.ts";
import type { JsonObject } from "../../harness/json.ts";
import { signJson } from "../../harness/signing.ts";
import type { User } from "../../harness/users.ts";

/** A key of a device or a user, and what is published of it. */
export interface PublishedKey {
  /** The object with one more signature in the user's name. */
  sign(object: JsonObject, userId: string): JsonObject;
  /** The published object: a device's keys, or a cross-signing key. */
  readonly object: JsonObject;
}

/** Keys of a new device, signed by it. */
export function deviceKeys(userId: string, deviceId: string): PublishedKey {
  const device = createDevice({ userId, deviceId } as User);
  return {
    sign: (object, user) => signJson(object, user, device.key),
    object: device.deviceKeys(),
  };
}

/** A one-time key of a device: its name, and the key with the device's signature. */
export function oneTimeKey(device: PublishedKey, id: string): [name: string, key: JsonObject] {
  const userId = device.object["user_id"] as string;
  const key = { key: keyNamed().publicKey };
  return [`signed_curve25519:${id}`, device.sign(key, userId)];
}

/** A new cross-signing key, signed by the master key if that is given. */
export function crossSigningKey(
  userId: string,
  usage: "master" | "self_signing" | "user_signing",
  master?: PublishedKey,
): PublishedKey {
  const key = keyNamed();
  const object = keyObject(userId, usage, key);
  return {
    sign: (other, user) => signJson(other, user, key),
    object: master === undefined ? object : master.sign(object, userId),
  };
}

/** What was signed, without what no signature covers. */
export function signedPart(object: unknown): JsonObject {
  const { unsigned: _unsigned, ...signed } = (object ?? {}) as JsonObject;
  return signed;
}
