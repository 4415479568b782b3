import type { UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { devicesThere } from "../storage/federation/outbound-devices.ts";
import type { Sql } from "../storage/sql.ts";
import type { PublicKeys } from "./device-updates.ts";

/** Keys of local users as another server may see them. */
interface QueriedKeys {
  /** By user and device, each with its signatures. */
  readonly deviceKeys: ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>;
  readonly masterKeys: ReadonlyMap<UserId, JsonObject>;
  readonly selfSigningKeys: ReadonlyMap<UserId, JsonObject>;
}

/** The keys of these devices of each user (none named: all). */
type ReadKeys = (wanted: ReadonlyMap<UserId, readonly string[]>) => Promise<QueriedKeys>;

/** Devices, also those that have no keys, and keys. */
export function createPublicKeys(sql: Sql, readKeys: ReadKeys): PublicKeys {
  return {
    async devices(wanted) {
      if (wanted.length === 0) return [];
      const byUser = Map.groupBy(wanted, ({ userId }) => userId);
      const [there, { deviceKeys }] = await Promise.all([
        devicesThere(sql, wanted),
        readKeys(
          new Map([...byUser].map(([userId, own]) => [userId, own.map((one) => one.deviceId)])),
        ),
      ]);
      return there.map(({ userId, deviceId, displayName }) => {
        const { unsigned: _, ...keys } = deviceKeys.get(userId as UserId)?.get(deviceId) ?? {};
        return {
          ...{ userId, deviceId, displayName: displayName ?? undefined },
          keys: Object.keys(keys).length > 0 ? keys : undefined,
        };
      });
    },

    async signingKeys(userIds) {
      if (userIds.length === 0) return [];
      const all = new Map(userIds.map((userId) => [userId, [] as string[]]));
      const { masterKeys, selfSigningKeys } = await readKeys(all);
      return userIds.map((userId) => ({
        userId,
        masterKey: masterKeys.get(userId),
        selfSigningKey: selfSigningKeys.get(userId),
      }));
    },
  };
}
