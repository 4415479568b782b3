import { randomBytes } from "node:crypto";
import { type PeerKey, type ValueObject, newKey, signed } from "../peer/events.ts";
import type { Api } from "./api.ts";
import type { User } from "./users.ts";

/** A user's device with its signing key. */
export interface Device {
  readonly user: User;
  readonly key: PeerKey;
}

const ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"];

/** Uploads the keys of the user's device. */
export async function uploadDevice(api: Api, user: User): Promise<Device> {
  const { userId, deviceId } = user;
  const key = { ...newKey(), id: `ed25519:${deviceId}` };
  const keys: ValueObject = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ALGORITHMS,
    keys: { [`curve25519:${deviceId}`]: newCurveKey(), [key.id]: key.publicKey },
  };
  await upload(api, user, { device_keys: signed(keys, userId, key) });
  return { user, key };
}

/** Uploads so many one-time keys. */
export async function uploadOneTimeKeys(
  api: Api,
  { user, key }: Device,
  count: number,
): Promise<void> {
  const keys: ValueObject = {};
  for (let number = 0; number < count; number++)
    keys[`signed_curve25519:${number.toString(36)}`] = signed(
      { key: newCurveKey() },
      user.userId,
      key,
    );
  await upload(api, user, { one_time_keys: keys });
}

async function upload(api: Api, { token }: User, body: ValueObject): Promise<void> {
  await api.call({ method: "POST", path: "/_matrix/client/v3/keys/upload", token, body });
}

/** Servers look at the signature alone: any 32 bytes will do. */
function newCurveKey(): string {
  return randomBytes(32).toString("base64").replace(/=+$/, "");
}
