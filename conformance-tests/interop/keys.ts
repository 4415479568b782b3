import { randomBytes } from "node:crypto";
import nacl from "tweetnacl";
import { base64 } from "../harness/json.ts";
import type { JsonObject } from "../harness/json.ts";
import { createSigningKey, signJson } from "../harness/signing.ts";
import type { SigningKey } from "../harness/signing.ts";
import { syncUntil } from "../harness/sync.ts";
import { logIn } from "../harness/users.ts";
import type { User } from "../harness/users.ts";
import { ask } from "./ask.ts";

const ALGORITHM = "signed_curve25519";

/** A device whose keys are on its server. */
export interface KeyedDevice {
  readonly user: User;
  readonly keys: JsonObject;
  readonly signingKey: SigningKey;
}

/** Signs in once more and uploads the keys of the new device. */
export async function addDevice(owner: User): Promise<KeyedDevice> {
  const user = await logIn(owner);
  const { userId, deviceId } = user;
  const signingKey = { ...createSigningKey(), keyId: `ed25519:${deviceId}` };
  const keys = signJson(
    {
      user_id: userId,
      device_id: deviceId,
      algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
      keys: {
        [`curve25519:${deviceId}`]: base64(nacl.box.keyPair().publicKey),
        [signingKey.keyId]: signingKey.publicKey,
      },
    },
    userId,
    signingKey,
  );
  await ask(user, "POST", ["v3", "keys", "upload"], { body: { device_keys: keys } });
  return { user, keys, signingKey };
}

/** A key to be claimed, under an id of its own. */
export function claimable({ user, signingKey }: KeyedDevice, more: JsonObject = {}): JsonObject {
  const key = { key: base64(nacl.box.keyPair().publicKey), ...more };
  const id = `${ALGORITHM}:${randomBytes(4).toString("hex")}`;
  return { [id]: signJson(key, user.userId, signingKey) };
}

/** Claims one key of the device: its id and itself. */
export async function claim(by: User, { user }: KeyedDevice): Promise<[string, JsonObject]> {
  const wanted = { [user.userId]: { [user.deviceId]: ALGORITHM } };
  const answer = await ask(by, "POST", ["v3", "keys", "claim"], {
    body: { one_time_keys: wanted },
  });
  const found = answer["one_time_keys"] as Record<string, Record<string, JsonObject>>;
  const entries = Object.entries(found[user.userId]?.[user.deviceId] ?? {});
  if (entries.length !== 1) throw new Error(`not one key: ${JSON.stringify(answer)}`);
  return entries[0] as [string, JsonObject];
}

/** What the user's server answers about another user's keys. */
export async function queryKeys(by: User, userId: string) {
  const body = { device_keys: { [userId]: [] } };
  const answer = await ask(by, "POST", ["v3", "keys", "query"], { body });
  type ByUser<Of> = Readonly<Record<string, Of | undefined>>;
  return {
    devices: (answer["device_keys"] as ByUser<Record<string, JsonObject>>)[userId] ?? {},
    master: (answer["master_keys"] as ByUser<JsonObject> | undefined)?.[userId],
    selfSigning: (answer["self_signing_keys"] as ByUser<JsonObject> | undefined)?.[userId],
    userSigning: (answer["user_signing_keys"] as ByUser<JsonObject> | undefined)?.[userId],
  };
}

interface DeviceNews {
  readonly device_lists?: { readonly changed?: string[]; readonly left?: string[] };
  readonly device_one_time_keys_count?: Readonly<Record<string, number>>;
  readonly device_unused_fallback_key_types?: readonly string[];
  readonly to_device?: { readonly events?: readonly DeviceMessage[] };
}

export interface DeviceMessage {
  readonly type: string;
  readonly sender: string;
  readonly content: JsonObject;
}

/** What a sync tells of devices. */
export const newsOf = (body: object) => body as DeviceNews;

/** Waits until the user is told that the other's device list changed, or that they share no room any more. */
export async function told(
  user: User,
  how: "changed" | "left",
  whom: User,
  since: string,
): Promise<string> {
  const isTold = (body: object) => newsOf(body).device_lists?.[how]?.includes(whom.userId) === true;
  return (await syncUntil(user, `${whom.userId} ${how}`, isTold, { since, timeoutMs: 20_000 }))
    .next_batch;
}
