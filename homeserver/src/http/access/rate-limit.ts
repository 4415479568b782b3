import { type RateClass, rateClasses } from "@weft/spec/operations";
import { networkOf } from "../../platform/client-address.ts";
import { type BucketLevel, type BucketLimit, draw } from "../../platform/pacing/token-bucket.ts";
import { errors } from "../../protocol/errors.ts";

/** Where buckets live: in memory, or in Redis for all replicas together. */
export interface Buckets {
  /**
   * Takes one from the bucket.
   * @returns 0, or the ms to wait when it is empty (nothing is taken)
   */
  take(key: string, limit: BucketLimit): Promise<number> | number;
}

/** How many requests of each class of the contract may come. */
const limits: Readonly<Record<RateClass, BucketLimit>> = {
  message: { perSecond: 5, burst: 60 },
  // The keys of a room with thousands of devices go out in a hundred requests.
  "to-device": { perSecond: 20, burst: 300 },
  // Clients ask for some 250 users at once: a room of 10,000 members takes forty requests for their
  // keys, and about as many for sessions with their devices. Each claim takes a key that its owner
  // has to replace.
  keys: { perSecond: 20, burst: 500 },
  login: { perSecond: 0.5, burst: 30 },
  refresh: { perSecond: 1, burst: 60 },
  // Clients store one at each start, and once a week.
  "dehydrated-device": { perSecond: 0.1, burst: 20 },
  "new-rendezvous": { perSecond: 0.1, burst: 10 },
  // Two devices look once a second, and a household has several.
  rendezvous: { perSecond: 10, burst: 200 },
  password: { perSecond: 0.5, burst: 30 },
  register: { perSecond: 0.2, burst: 20 },
  // A household that resets a password, and tries again.
  mail: { perSecond: 0.02, burst: 10 },
  page: { perSecond: 5, burst: 100 },
  "device-code": { perSecond: 0.5, burst: 30 },
  "oauth-client": { perSecond: 0.1, burst: 20 },
  // Devices that wait to be let in ask every two seconds, and a household has several.
  "oauth-token": { perSecond: 5, burst: 100 },
  "registration-token": { perSecond: 0.1, burst: 5 },
  "create-room": { perSecond: 0.2, burst: 20 },
  join: { perSecond: 0.5, burst: 30 },
  invite: { perSecond: 0.5, burst: 30 },
  "shared-secret": { perSecond: 5, burst: 100 },
  report: { perSecond: 0.2, burst: 10 },
  // An identity server tells of each of its users once.
  "bound-address": { perSecond: 0.2, burst: 20 },
  // A service that holds calls asks once for each user who enters.
  openid: { perSecond: 20, burst: 500 },
  directory: { perSecond: 2, burst: 30 },
  media: { perSecond: 30, burst: 300 },
  "anonymous-media": { perSecond: 10, burst: 150 },
  // A room that is opened may show a screenful of them.
  preview: { perSecond: 2, burst: 60 },
  elsewhere: { perSecond: 5, burst: 100 },
  other: { perSecond: 10, burst: 100 },
};

/** For requests of one address that name unknown servers. */
const STRANGERS: BucketLimit = { perSecond: 5, burst: 200 };

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
  async function take(key: string, limit: BucketLimit): Promise<void> {
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
  const levels = new Map<string, BucketLevel>();
  return {
    take(key, limit) {
      const { after, wait } = draw(levels.get(key), limit, now());
      levels.delete(key);
      levels.set(key, after);
      if (levels.size > capacity) levels.delete(levels.keys().next().value!);
      return wait;
    },
  };
}
