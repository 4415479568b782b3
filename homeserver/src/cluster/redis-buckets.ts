import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";
import { createOrAlone } from "./or-alone.ts";
import type { BucketLimit } from "../platform/pacing/token-bucket.ts";

/** Token buckets that all replicas share. */
export interface SharedBuckets {
  /**
   * Takes a token from the bucket. Returns 0, or the ms to wait when it is empty (then nothing is
   * taken).
   */
  take(key: string, limit: BucketLimit): Promise<number>;
  /** Puts a token back that was taken. */
  giveBack(key: string, limit: BucketLimit): Promise<void>;
}

/** Buckets of one replica. */
interface OwnBuckets {
  take(key: string, limit: BucketLimit): Promise<number> | number;
  giveBack(key: string, limit: BucketLimit): Promise<void> | void;
}

/**
 * What `draw` in platform/pacing/token-bucket.ts does. KEYS: the bucket. ARGV: tokens per second, burst. A bucket is kept until it would be full again.
 * Redis' clock counts, so that replicas agree.
 */
const TAKE = `
local perSecond, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call("HMGET", KEYS[1], "level", "at")
local level = tonumber(kept[1]) or burst
local at = tonumber(kept[2]) or now
level = math.min(burst, level + math.max(0, now - at) / 1000 * perSecond)
local wait = 0
if level >= 1 then level = level - 1 else wait = math.ceil((1 - level) / perSecond * 1000) end
redis.call("HSET", KEYS[1], "level", tostring(level), "at", now)
redis.call("PEXPIRE", KEYS[1], math.ceil((burst - level) / perSecond * 1000) + 1000)
return wait
`;

/** Puts one token back into the bucket (KEYS), which holds at most ARGV[1]; one not kept is full. */
const GIVE_BACK = `
local level = tonumber(redis.call("HGET", KEYS[1], "level"))
if level then redis.call("HSET", KEYS[1], "level", tostring(math.min(tonumber(ARGV[1]), level + 1))) end
return 0
`;

/** Buckets in Redis. While Redis is away each replica limits by buckets of its own, `alone`. */
export function createRedisBuckets(
  redis: Redis,
  options: { prefix: string; logger: Logger; alone: OwnBuckets },
): SharedBuckets {
  const { prefix, logger, alone } = options;
  redis.defineCommand("weftTake", { numberOfKeys: 1, lua: TAKE });
  redis.defineCommand("weftGiveBack", { numberOfKeys: 1, lua: GIVE_BACK });
  const commands = redis as Redis & {
    weftTake(key: string, perSecond: number, burst: number): Promise<number>;
    weftGiveBack(key: string, burst: number): Promise<number>;
  };
  const inRedis = (key: string) => `${prefix}rate:${key}`;

  const orAlone = createOrAlone(redis, logger, "rate limits");

  return {
    take: (key, limit) =>
      orAlone(
        () => commands.weftTake(inRedis(key), limit.perSecond, limit.burst),
        () => alone.take(key, limit),
      ),
    giveBack: (key, limit) =>
      orAlone(
        async () => void (await commands.weftGiveBack(inRedis(key), limit.burst)),
        () => alone.giveBack(key, limit),
      ),
  };
}
