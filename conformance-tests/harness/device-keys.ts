import nacl from "tweetnacl";
import { base64, type JsonObject } from "./json.ts";
import { signJson, type SigningKey } from "./signing.ts";
import type { User } from "./users.ts";

/** The algorithm of the one-time keys that all clients use. */
export const SIGNED_CURVE25519 = "signed_curve25519";

/** A device that encrypts: its keys, without any encryption. */
export interface Device {
  readonly user: User;
  readonly key: SigningKey;
  /** Its identity keys, signed; `more` is signed with them. */
  deviceKeys(more?: JsonObject): JsonObject;
  /** A new `signed_curve25519` key. */
  oneTimeKey(more?: JsonObject): JsonObject;
  /** New ones by their names, in the order of the ids. */
  oneTimeKeys(ids: readonly string[], more?: JsonObject): Record<string, JsonObject>;
  sign(object: JsonObject): JsonObject;
}

/** A device with new keys, of the user's session; nothing is uploaded. */
export function createDevice(user: User): Device {
  const { userId, deviceId } = user;
  const key = keyNamed(deviceId);
  const identity = publicKey();
  const sign = (object: JsonObject) => signJson(object, userId, key);
  const oneTimeKey = (more: JsonObject = {}) => sign({ key: publicKey(), ...more });
  return {
    user,
    key,
    sign,
    deviceKeys: (more = {}) =>
      sign({
        user_id: userId,
        device_id: deviceId,
        algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        keys: { [`curve25519:${deviceId}`]: identity, [key.keyId]: key.publicKey },
        ...more,
      }),
    oneTimeKey,
    oneTimeKeys: (ids, more) =>
      Object.fromEntries(ids.map((id) => [`${SIGNED_CURVE25519}:${id}`, oneTimeKey(more)])),
  };
}

/** A device whose identity keys are uploaded. */
export async function uploadDevice(user: User): Promise<Device> {
  const device = createDevice(user);
  await user.call("uploadKeys", { body: { device_keys: device.deviceKeys() } });
  return device;
}

/** Cross-signing keys of a user. */
export interface Identity {
  readonly master: SigningKey;
  readonly selfSigning: SigningKey;
  readonly userSigning: SigningKey;
  /** The three keys as they are uploaded. */
  readonly keys: {
    readonly master_key: JsonObject;
    readonly self_signing_key: JsonObject;
    readonly user_signing_key: JsonObject;
  };
}

/** New cross-signing keys; nothing is uploaded. */
export function createIdentity({ userId }: Pick<User, "userId">): Identity {
  const [master, selfSigning, userSigning] = [keyNamed(), keyNamed(), keyNamed()];
  return {
    ...{ master, selfSigning, userSigning },
    keys: {
      master_key: crossSigningKey(userId, "master", master),
      self_signing_key: signJson(
        crossSigningKey(userId, "self_signing", selfSigning),
        userId,
        master,
      ),
      user_signing_key: signJson(
        crossSigningKey(userId, "user_signing", userSigning),
        userId,
        master,
      ),
    },
  };
}

/** Cross-signing keys that are uploaded. */
export async function uploadIdentity(user: User): Promise<Identity> {
  const identity = createIdentity(user);
  await user.call("uploadCrossSigningKeys", { body: identity.keys });
  return identity;
}

/** A cross-signing key without signatures. */
export function crossSigningKey(userId: string, usage: string, key: SigningKey): JsonObject {
  return { user_id: userId, usage: [usage], keys: { [key.keyId]: key.publicKey } };
}

/** What a user is told of the keys of another one. */
export async function keysOf(asker: User, userId: string) {
  const found = await asker.call("queryKeys", { body: { device_keys: { [userId]: [] } } });
  return {
    devices: (found.device_keys?.[userId] ?? {}) as Record<string, JsonObject>,
    master: found.master_keys?.[userId] as JsonObject | undefined,
    selfSigning: found.self_signing_keys?.[userId] as JsonObject | undefined,
    userSigning: found.user_signing_keys?.[userId] as JsonObject | undefined,
  };
}

/** The names of the keys by which a user has signed an object. */
export function signersOf(object: JsonObject | undefined, userId: string): string[] {
  const signatures = (object?.["signatures"] ?? {}) as Record<string, JsonObject>;
  return Object.keys(signatures[userId] ?? {});
}

/** Claims one key of a device; its name and the key, or undefined. */
export async function claimOf(
  claimer: User,
  { user }: Pick<Device, "user">,
  algorithm = SIGNED_CURVE25519,
): Promise<[string, unknown] | undefined> {
  const body = { one_time_keys: { [user.userId]: { [user.deviceId]: algorithm } } };
  const { one_time_keys: keys } = await claimer.call("claimKeys", { body });
  return Object.entries(keys[user.userId]?.[user.deviceId] ?? {})[0];
}

/** A new Ed25519 key, of a device or, without one, named by its public key. */
export function keyNamed(deviceId?: string): SigningKey {
  const pair = nacl.sign.keyPair();
  const text = base64(pair.publicKey);
  return { keyId: `ed25519:${deviceId ?? text}`, secretKey: pair.secretKey, publicKey: text };
}

function publicKey(): string {
  return base64(nacl.box.keyPair().publicKey);
}
