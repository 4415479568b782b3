import type { Log } from "../../log/types.ts";
import { createLoadingCache } from "../../platform/caches.ts";
import { deviceKey } from "../../protocol/identifiers.ts";
import { type KeyList, keyListsOf } from "../../storage/users/one-time-keys.ts";
import type { Sql } from "../../storage/sql.ts";
import type { DeviceOf, KeyCounts } from "./types.ts";

/** What devices have left, from memory where it can. */
export interface CountsOfKeys {
  counts(device: DeviceOf): Promise<KeyCounts>;
  /** From memory alone; undefined where it is not there. */
  peekCounts(device: DeviceOf): KeyCounts | undefined;
  stop(): void;
}

const CACHED_DEVICES = 100_000;
const NOTHING: KeyCounts = { oneTimeKeys: {}, unusedFallbackTypes: [] };

export function createCountsOfKeys({ sql, log }: { sql: Sql; log: Log }): CountsOfKeys {
  const cache = createLoadingCache<string, KeyCounts>({
    max: CACHED_DEVICES,
    load: async (key) => {
      const [userId, deviceId] = key.split("\0") as [DeviceOf["userId"], string];
      return countsOf(await keyListsOf(sql, { userId, deviceId }));
    },
  });
  const unfollow = log.follow({
    phase: "caches",
    kinds: ["one_time_keys", "device_list"],
    take(records) {
      for (const record of records) {
        if (record.kind === "one_time_keys") {
          for (const device of record.devices) cache.delete(deviceKey(device));
        } else if (record.isRemoved) cache.delete(deviceKey(record));
      }
    },
  });

  return {
    counts: async (device) => (await cache.get(deviceKey(device))) ?? NOTHING,
    peekCounts: (device) => cache.peek(deviceKey(device)),
    stop: unfollow,
  };
}

/** What a device has left in its lists. */
export function countsOf(lists: readonly KeyList[]): KeyCounts {
  const left = lists.filter(({ next, last }) => next <= last);
  return {
    oneTimeKeys: Object.fromEntries(
      left.map(({ algorithm, next, last }) => [algorithm, last - next + 1]),
    ),
    unusedFallbackTypes: lists.flatMap(({ algorithm, unusedFallback }) =>
      unusedFallback ? [algorithm] : [],
    ),
  };
}
