import type { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { createOrAlone } from "./or-alone.ts";

/** How often something failed in a row, and when it last did, in ms since 1970. */
export interface Failures {
  readonly count: number;
  readonly at: number;
}

/** Counters of failures, forgotten some time after the last one. */
export interface FailureCounts {
  read(key: string): Promise<Failures>;
  add(key: string): Promise<void>;
  clear(key: string): Promise<void>;
}

const NONE: Failures = { count: 0, at: 0 };
/** Counted from the last failure. */
const KEPT_MS = 3_600_000;

/** Counters of one process; at most `capacity`, those that failed last. */
export function memoryFailures(clock: Clock, capacity = 50_000): FailureCounts {
  const counts = new LRUCache<string, Failures>({ maxSize: capacity, sizeCalculation: () => 1 });
  const read = (key: string): Failures => {
    const found = counts.get(key) ?? NONE;
    return found.at + KEPT_MS > clock.now() ? found : NONE;
  };
  return {
    read: async (key) => read(key),
    async add(key) {
      counts.set(key, { count: read(key).count + 1, at: clock.now() });
    },
    async clear(key) {
      counts.delete(key);
    },
  };
}

/** Counters shared by all replicas. While Redis is away each replica counts by itself. */
export function redisFailures(
  redis: Redis,
  options: { prefix: string; clock: Clock; logger: Logger },
): FailureCounts {
  const { prefix, clock, logger } = options;
  const alone = memoryFailures(clock);
  const keyOf = (key: string) => `${prefix}failures:${key}`;

  const orAlone = createOrAlone(redis, logger, "failed sign-ins");

  return {
    read: (key) =>
      orAlone(
        async () => {
          const [count, at] = await redis.hmget(keyOf(key), "count", "at");
          return { count: Number(count ?? 0), at: Number(at ?? 0) };
        },
        () => alone.read(key),
      ),
    add: (key) =>
      orAlone(
        async () => {
          const all = redis.multi().hincrby(keyOf(key), "count", 1);
          await all.hset(keyOf(key), "at", clock.now()).pexpire(keyOf(key), KEPT_MS).exec();
        },
        () => alone.add(key),
      ),
    clear: (key) =>
      orAlone(
        async () => void (await redis.del(keyOf(key))),
        () => alone.clear(key),
      ),
  };
}

/** The counters while `isOn`; at other times nothing is counted, and none has failed. */
export function whileOn(counts: FailureCounts, isOn: () => boolean): FailureCounts {
  return {
    read: async (key) => (isOn() ? await counts.read(key) : NONE),
    async add(key) {
      if (isOn()) await counts.add(key);
    },
    async clear(key) {
      if (isOn()) await counts.clear(key);
    },
  };
}
