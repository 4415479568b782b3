import { type RateClass, rateClasses } from "@weft/spec/operations";
import { networkOf } from "../../platform/client-address.ts";
import { errors } from "../../protocol/errors.ts";

/** A token bucket: `burst` requests at once, refilled at `perSecond`. */
interface Limit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Where buckets live: in memory, or in Redis for all replicas together. */
export interface Buckets {
  /**
   * Takes one from the bucket.
   * @returns 0, or the ms to wait when it is empty (nothing is taken)
   */
  take(key: string, limit: Limit): Promise<number> | number;
}

/** How many requests of each class of the contract may come. */
const limits: Readonly<Record<RateClass, Limit>> = {
  message: { perSecond: 5, burst: 60 },
  login: { perSecond: 0.5, burst: 30 },
  refresh: { perSecond: 1, burst: 60 },
  password: { perSecond: 0.5, burst: 30 },
  register: { perSecond: 0.2, burst: 20 },
  "registration-token": { perSecond: 0.1, burst: 5 },
  "create-room": { perSecond: 0.2, burst: 20 },
  join: { perSecond: 0.5, burst: 30 },
  invite: { perSecond: 0.5, burst: 30 },
  "shared-secret": { perSecond: 5, burst: 100 },
  report: { perSecond: 0.2, burst: 10 },
  directory: { perSecond: 2, burst: 30 },
  media: { perSecond: 30, burst: 300 },
  "anonymous-media": { perSecond: 10, burst: 150 },
  elsewhere: { perSecond: 5, burst: 100 },
  other: { perSecond: 10, burst: 100 },
};

/** For requests of one address that name unknown servers. */
const STRANGERS: Limit = { perSecond: 5, burst: 200 };

export interface RateLimiter {
  /**
   * Limits requests that make this server contact an unknown one.
   * @throws MatrixError M_LIMIT_EXCEEDED 429
   */
  checkStranger(ip: string): Promise<void>;
  /** @throws MatrixError M_LIMIT_EXCEEDED 429 with retry_after_ms */
  check(rateClass: RateClass, who: { user?: string | undefined; ip: string }): Promise<void>;
}

/** `buckets` undefined: off (WEFT_RATE_LIMITS=off). */
export function createRateLimiter(buckets: Buckets | undefined): RateLimiter {
  async function take(key: string, limit: Limit): Promise<void> {
    const wait = (await buckets?.take(key, limit)) ?? 0;
    if (wait > 0) throw errors.limitExceeded(wait);
  }
  return {
    async check(rateClass, { user, ip }) {
      const { by } = rateClasses[rateClass];
      const who = by === "user" && user !== undefined ? user : networkOf(ip);
      await take(`${rateClass}\0${who}`, limits[rateClass]);
    },
    checkStranger: (ip) => take(`stranger\0${networkOf(ip)}`, STRANGERS),
  };
}

/**
 * Buckets of one process. At most `capacity` are kept; the longest unused ones are full again
 * anyway.
 */
export function memoryBuckets(now: () => number, capacity = 50_000): Buckets {
  const levels = new Map<string, { level: number; at: number }>();
  return {
    take(key, { perSecond, burst }) {
      const at = now();
      const before = levels.get(key) ?? { level: burst, at };
      const level = Math.min(burst, before.level + ((at - before.at) / 1000) * perSecond);
      levels.delete(key);
      levels.set(key, { level: level >= 1 ? level - 1 : level, at });
      if (levels.size > capacity) levels.delete(levels.keys().next().value!);
      return level >= 1 ? 0 : Math.ceil(((1 - level) / perSecond) * 1000);
    },
  };
}
