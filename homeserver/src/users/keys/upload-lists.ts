import type { Tx } from "../../storage/sql.ts";
import type { KeyListChange } from "../../storage/streams/encryption-keys.ts";
import { type KeyList, keyListsOf } from "../../storage/users/one-time-keys.ts";
import { countsOf } from "./counts.ts";
import type { DeviceOf, KeyCounts } from "./types.ts";

/** A device's lists of keys, as an upload is going to leave them. The log's append changes them. */
export interface UploadLists {
  /** The number of a new key behind all others of the algorithm. */
  nextNumber(algorithm: string): number;
  /** The algorithm has a new fallback key. */
  hasFallback(algorithm: string): void;
  /** What the device has by then. */
  counts(): KeyCounts;
  /** For the log. */
  changes(): KeyListChange[];
  /** Algorithms of lists that are not there yet. */
  missing(): string[];
  /** How many lists there are by then. */
  size(): number;
}

interface ListAfter extends KeyList {
  isNew?: true;
  change?: Pick<KeyListChange, "first" | "fallback">;
}

/**
 * Reads them under the lock of the device's identity keys. If it had none before (`isFirst`), lists
 * are those of a device of its name that ended in this transaction: nothing is left in them.
 */
export async function readUploadLists(
  tx: Tx,
  device: DeviceOf,
  isFirst: boolean,
): Promise<UploadLists> {
  const stored = await keyListsOf(tx, device);
  const lists = new Map<string, ListAfter>(
    stored.map((list) => {
      // Claims that found too little have gone beyond the last key.
      const next = isFirst ? list.last + 1 : Math.min(list.next, list.last + 1);
      if (!isFirst) return [list.algorithm, { ...list, next }];
      const change = { first: next, fallback: "none" as const };
      return [list.algorithm, { ...list, next, unusedFallback: false, change }];
    }),
  );

  function changed(algorithm: string): ListAfter {
    const list = lists.get(algorithm) ?? {
      ...{ algorithm, next: 1, last: 0, unusedFallback: false, isNew: true as const },
    };
    list.change ??= {};
    lists.set(algorithm, list);
    return list;
  }

  return {
    nextNumber: (algorithm) => (changed(algorithm).last += 1),
    hasFallback(algorithm) {
      const list = changed(algorithm);
      list.unusedFallback = true;
      list.change = { ...list.change, fallback: "unused" };
    },
    counts: () => countsOf([...lists.values()]),
    changes: () =>
      [...lists.values()].flatMap(({ algorithm, last, change }) =>
        change === undefined
          ? []
          : [{ userId: device.userId, deviceId: device.deviceId, algorithm, last, ...change }],
      ),
    size: () => lists.size,
    missing: () =>
      [...lists.values()].flatMap(({ algorithm, isNew }) => (isNew ? [algorithm] : [])),
  };
}
