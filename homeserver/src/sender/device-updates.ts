/**
 * The EDUs that tell other servers of local users' devices and cross-signing keys. (Server-server
 * API, "Device Management", "End-to-End Encryption".)
 */
import { deviceKey, type UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import {
  changesBefore,
  type DeviceChangeRow,
  newestChangesOf,
} from "../storage/federation/outbound-devices.ts";
import type { Sql } from "../storage/sql.ts";
import type { OutboundEdu } from "./outbound-item.ts";

/** A device of a local user, as other servers may see it. */
interface PublicDevice {
  readonly userId: string;
  readonly deviceId: string;
  /** undefined: it has no name, or other servers are not told. */
  readonly displayName?: string | undefined;
  /** Its keys with all signatures that others may see; undefined: it has none. */
  readonly keys?: JsonObject | undefined;
}

/** Cross-signing keys of a local user, with the signatures that other servers may see. */
interface PublicSigningKeys {
  readonly userId: string;
  readonly masterKey?: JsonObject | undefined;
  readonly selfSigningKey?: JsonObject | undefined;
}

/** Looks up what other servers may know of local users' keys. */
export interface PublicKeys {
  /** Devices that are gone are left out. */
  devices(
    wanted: readonly { readonly userId: UserId; readonly deviceId: string }[],
  ): Promise<readonly PublicDevice[]>;
  /** Users without such keys may be left out. */
  signingKeys(userIds: readonly UserId[]): Promise<readonly PublicSigningKeys[]>;
}

/** A change, and the `stream_id` of the one before it that its receivers have. */
export interface ChainedChange extends DeviceChangeRow {
  readonly previous: number | undefined;
}

export type DeviceUpdates = ReturnType<typeof createDeviceUpdates>;

export function createDeviceUpdates(sql: Sql, keys: PublicKeys) {
  /** The EDUs of changes, in their order; undefined where there is nothing to be told. */
  async function edusOf(
    changes: readonly ChainedChange[],
  ): Promise<readonly (OutboundEdu | undefined)[]> {
    if (changes.length === 0) return [];
    const there = changes.filter(({ deviceId, isRemoved }) => deviceId !== "" && !isRemoved);
    const signers = changes.filter(({ deviceId }) => deviceId === "");
    const [devices, signingKeys] = await Promise.all([
      keys.devices(unique(there, deviceKey).map(addressOf)),
      keys.signingKeys([...new Set(signers.map(({ userId }) => userId as UserId))]),
    ]);
    const deviceOf = new Map(devices.map((device) => [deviceKey(device), device]));
    const signingKeysOf = new Map(signingKeys.map((one) => [one.userId, one]));
    return changes.map((change) =>
      change.deviceId === ""
        ? signingKeyUpdate(signingKeysOf.get(change.userId))
        : deviceListUpdate(change, change.isRemoved ? undefined : deviceOf.get(deviceKey(change))),
    );
  }

  return {
    edusOf,

    /**
     * Changes as servers get them that have all changes of these users up to `after` (undefined:
     * each of them comes by itself): each names the one before it.
     */
    async chained(
      changes: readonly DeviceChangeRow[],
      after?: number,
    ): Promise<readonly ChainedChange[]> {
      const last = new Map<string, number | undefined>();
      const ofDevices = changes.filter(({ deviceId }) => deviceId !== "");
      const firsts = after === undefined ? ofDevices : unique(ofDevices, ({ userId }) => userId);
      const before = await changesBefore(
        sql,
        firsts.map(({ userId, position }) => ({
          userId,
          before: after === undefined ? position : after + 1,
        })),
      );
      const found = new Map(firsts.map((change, i) => [change, before[i]]));
      return changes.map((change) => {
        if (change.deviceId === "") return { ...change, previous: undefined };
        const previous = found.has(change) ? found.get(change) : last.get(change.userId);
        last.set(change.userId, change.position);
        return { ...change, previous };
      });
    },

    /**
     * For servers that have come to share a room with these users: the newest change of each up to
     * a position. It names the one before it, so that whoever does not have that looks up the whole
     * list. And the cross-signing keys, which no list of changes leads to.
     */
    async introductions(
      users: readonly { readonly userId: string; readonly upTo: number }[],
    ): Promise<ReadonlyMap<string, readonly OutboundEdu[]>> {
      const wanted = unique(users, ({ userId }) => userId);
      const changes = await this.chained(await newestChangesOf(sql, wanted));
      const edus = await edusOf(changes);
      const byUser = new Map<string, OutboundEdu[]>(wanted.map(({ userId }) => [userId, []]));
      changes.forEach(({ userId }, i) => {
        const edu = edus[i];
        if (edu) byUser.get(userId)!.push(edu);
      });
      return byUser;
    },
  };
}

function deviceListUpdate(change: ChainedChange, device: PublicDevice | undefined): OutboundEdu {
  const { userId, deviceId, position, previous } = change;
  const content: JsonObject = {
    user_id: userId,
    device_id: deviceId,
    stream_id: position,
    prev_id: previous === undefined ? [] : [previous],
  };
  if (!device) content.deleted = true;
  if (device?.keys) content.keys = device.keys;
  if (device?.displayName !== undefined) content.device_display_name = device.displayName;
  return { edu_type: "m.device_list_update", content };
}

function signingKeyUpdate(keys: PublicSigningKeys | undefined): OutboundEdu | undefined {
  if (!keys?.masterKey && !keys?.selfSigningKey) return undefined;
  const content: JsonObject = { user_id: keys.userId };
  if (keys.masterKey) content.master_key = keys.masterKey;
  if (keys.selfSigningKey) content.self_signing_key = keys.selfSigningKey;
  return { edu_type: "m.signing_key_update", content };
}

/** The first of each key. */
function unique<T>(all: readonly T[], keyOfOne: (one: T) => string): T[] {
  const seen = new Set<string>();
  return all.filter((one) => {
    const key = keyOfOne(one);
    return !seen.has(key) && seen.add(key);
  });
}

const addressOf = ({ userId, deviceId }: DeviceChangeRow) => ({
  userId: userId as UserId,
  deviceId,
});
