import type { Log } from "../../log/types.ts";
import { createBatchCache } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Sql } from "../../storage/sql.ts";
import { devicesOf } from "../../storage/users/to-device.ts";

/** Which devices local users have, from memory where they did not change. */
export interface LocalDevices {
  /** Devices of those users that have any. */
  of(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ReadonlySet<string>>>;
  stop(): void;
}

const USERS_KEPT = 20_000;

export function createLocalDevices({ sql, log }: { sql: Sql; log: Log }): LocalDevices {
  const known = createBatchCache<UserId, ReadonlySet<string>>({
    maxSize: USERS_KEPT,
    sizeOf: () => 1,
    async load(userIds) {
      const rows = Map.groupBy(await devicesOf(sql, userIds), ({ userId }) => userId as UserId);
      return new Map(
        [...rows].map(([userId, own]) => [userId, new Set(own.map(({ deviceId }) => deviceId))]),
      );
    },
  });
  const unfollow = log.follow({
    phase: "caches",
    kinds: ["device_list"],
    take(records) {
      for (const { userId } of records) known.delete(userId as UserId);
    },
  });
  return { of: known.getAll, stop: unfollow };
}
