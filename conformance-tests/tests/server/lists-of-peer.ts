/** Lists of devices that the peer tells of its users. */
import { theSubject } from "../../harness/clause.ts";
import { deviceKeys } from "./keys-of-peer.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, mustEqual } from "../../harness/must.ts";
import type { Peer } from "../../harness/peer.ts";
import type { Reply } from "../../harness/peer-server.ts";
import { registerUser, type User } from "../../harness/users.ts";

/** A list of the peer's, whether it is asked for one user or for several. */
export interface PeerList {
  /** Devices by their ids. */
  devices: Record<string, JsonObject>;
  streamId: number;
  readonly more: { master_key?: JsonObject; self_signing_key?: JsonObject };
  /** Answers anything else, if it is there. */
  instead: (() => Reply | Promise<Reply>) | undefined;
  /** How often it was asked for. */
  asked: number;
}

/** A list that the peer answers with for a user, until its other answers are put in place. */
export function listOf(peer: Peer, userId: string): PeerList {
  const list: PeerList = { devices: {}, streamId: 1, more: {}, instead: undefined, asked: 0 };
  peer.answer("getUserDevices", async ({ path }) => {
    if (path["userId"] !== userId) return { status: 404, body: { errcode: "M_NOT_FOUND" } };
    list.asked += 1;
    if (list.instead) return await list.instead();
    const devices = Object.entries(list.devices).map(([device_id, keys]) => ({ device_id, keys }));
    return { body: { user_id: userId, stream_id: list.streamId, devices, ...list.more } };
  });
  peer.answer("queryUserEncryptionKeys", async () => {
    list.asked += 1;
    if (list.instead) return await list.instead();
    const { master_key, self_signing_key } = list.more;
    return {
      body: {
        device_keys: { [userId]: list.devices },
        ...(master_key && { master_keys: { [userId]: master_key } }),
        ...(self_signing_key && { self_signing_keys: { [userId]: self_signing_key } }),
      },
    };
  });
  return list;
}

/** The keys of a user, as a client is told them. */
export async function keysOf(asker: User, userId: string, timeout = 5_000) {
  const answer = await asker.call("queryKeys", {
    body: { device_keys: { [userId]: [] }, timeout },
  });
  return {
    devices: (answer.device_keys?.[userId] ?? {}) as Record<string, JsonObject>,
    masterKey: answer.master_keys?.[userId] as JsonObject | undefined,
    failures: Object.keys(answer.failures ?? {}),
  };
}

/** Asks until these are the user's devices. */
export async function untilDevices(asker: User, userId: string, ids: readonly string[]) {
  let seen: string[] = [];
  await eventually(`${userId}'s devices to be ${ids.join(" ")}`, async () => {
    seen = Object.keys((await keysOf(asker, userId)).devices).toSorted();
    return JSON.stringify(seen) === JSON.stringify(ids.toSorted()) || undefined;
  });
  mustEqual(seen, ids.toSorted(), "devices");
}

/** The EDU by which the peer tells that a device changed. */
export function listUpdate(
  userId: string,
  deviceId: string,
  ids: { readonly stream_id: number; readonly prev_id: number[] },
  more: JsonObject = {},
): JsonObject {
  const content = { user_id: userId, device_id: deviceId, ...ids, ...more };
  return { edu_type: "m.device_list_update", content };
}

/** Keys of a new device of a user. */
export const newDevice = (userId: string, deviceId: string): JsonObject =>
  deviceKeys(userId, deviceId).object;

/** Somebody of the server under test who has nothing to do with the peer. */
export const bystander = (): Promise<User> => registerUser(theSubject(), "carol");
