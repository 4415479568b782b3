import type { Log } from "../../log/types.ts";
import { atMost, LRUCache } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { deviceKey } from "../../protocol/identifiers.ts";
import type { Sql } from "../../storage/sql.ts";
import { deleteMessages, type EndOfUse } from "../../storage/users/to-device.ts";

/** Deletes in the background what devices have got. */
export interface Delivered {
  /** The device has its messages up to this log position. Call it with every sync that says so. */
  note(delivery: EndOfUse): void;
  /** Up to where a device has its messages, as far as it is known; 0 if it is not. */
  upTo(userId: string, deviceId: string): number;
  /** Deletes what was noted. */
  stop(): Promise<void>;
}

const EVERY_MS = 1_000;
/** Devices in one statement. */
const BATCH = 500;
/** Devices that are remembered. */
const DEVICES_KEPT = 100_000;

export function createDelivered(deps: {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
}): Delivered {
  const { sql, log, clock, logger } = deps;
  const stopping = new AbortController();
  let noted = new Map<string, EndOfUse>();
  let working: Promise<void> | undefined;
  /** Up to where devices have their messages. */
  const got = new LRUCache<string, number>(atMost(DEVICES_KEPT));
  /** Up to where devices have nothing that waits. */
  const emptyUpTo = new LRUCache<string, number>(atMost(DEVICES_KEPT));
  /** Where devices got their newest message; of all others it came no later than `unknownUpTo`. */
  const newest = new LRUCache<string, number>({
    ...atMost(DEVICES_KEPT),
    dispose(position, _key, reason) {
      if (reason === "evict") unknownUpTo = Math.max(unknownUpTo, position);
    },
  });
  let unknownUpTo = log.position;

  const unfollow = log.follow({
    phase: "caches",
    kinds: ["to_device"],
    take(records) {
      for (const { userId, deviceId, position } of records) {
        newest.set(deviceKey({ userId, deviceId }), position);
      }
    },
  });

  async function work(): Promise<void> {
    while (noted.size > 0) {
      await clock.sleep(EVERY_MS, stopping.signal);
      await flush();
      if (stopping.signal.aborted) break;
    }
    working = undefined;
  }

  async function flush(): Promise<void> {
    const deliveries = [...noted];
    noted = new Map();
    for (let at = 0; at < deliveries.length; at += BATCH) {
      const batch = deliveries.slice(at, at + BATCH);
      try {
        await deleteMessages(
          sql,
          batch.map(([, delivery]) => delivery),
        );
        for (const [key, { upTo }] of batch) {
          emptyUpTo.set(key, Math.max(upTo, emptyUpTo.get(key) ?? 0));
        }
      } catch (err) {
        // They are deleted with the devices' next syncs.
        logger.warn({ err }, "delivered messages for devices were not deleted");
      }
    }
  }

  return {
    note(delivery) {
      const key = deviceKey(delivery);
      got.set(key, Math.max(delivery.upTo, got.get(key) ?? 0));
      const lastMessage = newest.get(key) ?? unknownUpTo;
      if (lastMessage <= (emptyUpTo.get(key) ?? -1)) return;
      if ((noted.get(key)?.upTo ?? -1) >= delivery.upTo) return;
      noted.set(key, delivery);
      working ??= work();
    },
    upTo: (userId, deviceId) => got.get(deviceKey({ userId, deviceId })) ?? 0,
    async stop() {
      stopping.abort();
      unfollow();
      await working;
      await flush();
    },
  };
}
