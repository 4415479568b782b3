import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";
import type { BucketLimit } from "../platform/pacing/token-bucket.ts";

/** Token buckets that all replicas share. */
export interface SharedBuckets {
  /**
   * Takes a token from the bucket. Returns 0, or the ms to wait when it is empty (then nothing is
   * taken).
   */
  take(key: string, limit: BucketLimit): Promise<number>;
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

/**
 * Buckets in Redis. While Redis is away nothing is limited: that is no reason to refuse everyone.
 */
export function createRedisBuckets(
  redis: Redis,
  options: { prefix: string; logger: Logger },
): SharedBuckets {
  redis.defineCommand("weftTake", { numberOfKeys: 1, lua: TAKE });
  const commands = redis as Redis & {
    weftTake(key: string, perSecond: number, burst: number): Promise<number>;
  };
  return {
    async take(key, { perSecond, burst }) {
      if (redis.status !== "ready") return 0;
      try {
        return await commands.weftTake(`${options.prefix}rate:${key}`, perSecond, burst);
      } catch (error) {
        options.logger.warn({ err: error }, "rate limits could not be counted in Redis");
        return 0;
      }
    },
  };
}
