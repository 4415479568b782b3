import { type RateClass, rateClasses } from "@weft/spec/operations";
import { networkOf } from "../../platform/client-address.ts";
import {
  type BucketLevel,
  type BucketLimit,
  draw,
  restore,
} from "../../platform/pacing/token-bucket.ts";
import { errors } from "../../protocol/errors.ts";
import type { OwnRate } from "../../users/common/types.ts";

/** Where buckets live: in memory, or in Redis for all replicas together. */
export interface Buckets {
  /**
   * Takes one from the bucket.
   * @returns 0, or the ms to wait when it is empty (nothing is taken)
   */
  take(key: string, limit: BucketLimit): Promise<number> | number;
  /** Puts one back that was taken. */
  giveBack(key: string, limit: BucketLimit): Promise<void> | void;
}

interface ClassLimit extends BucketLimit {
  /**
   * Only requests that fail count, up to this many of all of them: a household or an office behind
   * one address signs in without waiting, somebody who guesses there does not.
   */
  readonly butOfAll?: BucketLimit;
  /** Of requests of one address that show no token, in a class that is counted by user. */
  readonly ofAddress?: BucketLimit;
}

/** How many requests of each class of the contract may come. */
const limits: Readonly<Record<RateClass, ClassLimit>> = {
  message: { perSecond: 5, burst: 60 },
  // The keys of a room with thousands of devices go out in a hundred requests.
  "to-device": { perSecond: 20, burst: 300 },
  // Clients ask for some 250 users at once: a room of 10,000 members takes forty requests for their
  // keys, and about as many for sessions with their devices. Each claim takes a key that its owner
  // has to replace.
  keys: { perSecond: 20, burst: 500 },
  login: { perSecond: 0.5, burst: 30, butOfAll: { perSecond: 5, burst: 300 } },
  refresh: { perSecond: 1, burst: 60, butOfAll: { perSecond: 10, burst: 600 } },
  // Clients store one at each start, and once a week.
  "dehydrated-device": { perSecond: 0.1, burst: 20 },
  "new-rendezvous": { perSecond: 0.1, burst: 10 },
  // Two devices look once a second, and a household has several.
  rendezvous: { perSecond: 10, burst: 200 },
  password: { perSecond: 0.5, burst: 30 },
  register: { perSecond: 0.2, burst: 20 },
  // A household that resets a password, and tries again.
  mail: { perSecond: 0.02, burst: 10 },
  // A company behind one address whose server was started anew.
  socket: { perSecond: 10, burst: 500 },
  page: { perSecond: 5, burst: 100 },
  "device-code": { perSecond: 0.5, burst: 30 },
  "oauth-client": { perSecond: 0.1, burst: 20 },
  // Devices that wait to be let in ask every two seconds, and a household has several.
  "oauth-token": { perSecond: 5, burst: 100 },
  "registration-token": { perSecond: 0.1, burst: 5 },
  // A client in a call restarts its event every five seconds. What watches over a call restarts
  // those of everybody in it, from one address and without their tokens.
  "delayed-event": { perSecond: 1, burst: 20, ofAddress: { perSecond: 20, burst: 500 } },
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

/** Who asks: a user if it is known, and from where. */
interface Asking {
  readonly user?: string | undefined;
  readonly ip: string;
  /** What holds for this user instead, in classes that are counted by user. */
  readonly own?: OwnRate | undefined;
}

export interface RateLimiter {
  /**
   * Limits requests that make this server contact an unknown one.
   * @throws MatrixError M_LIMIT_EXCEEDED 429
   */
  checkStranger(ip: string): Promise<void>;
  /** @throws MatrixError M_LIMIT_EXCEEDED 429 with retry_after_ms */
  check(rateClass: RateClass, who: Asking): Promise<void>;
  /** Whether what succeeds in the class is not counted: `succeeded` is to be told of it. */
  countsFailures(rateClass: RateClass): boolean;
  succeeded(rateClass: RateClass, who: Asking): Promise<void>;
}

/**
 * `isOn` is asked each time: limits can be switched off while the server runs (WEFT_RATE_LIMITS).
 */
export function createRateLimiter(buckets: Buckets, isOn = () => true): RateLimiter {
  async function take(key: string, limit: BucketLimit): Promise<void> {
    if (!isOn()) return;
    const wait = await buckets.take(key, limit);
    if (wait > 0) throw errors.limitExceeded(wait);
  }
  return {
    async check(rateClass, asking) {
      const key = keyOf(rateClass, asking);
      const { butOfAll, ofAddress } = limits[rateClass];
      if (butOfAll) await take(`all ${key}`, butOfAll);
      const own = ownLimit(rateClass, asking);
      if (own !== "none")
        await take(key, own ?? ((asking.user === undefined && ofAddress) || limits[rateClass]));
    },
    countsFailures: (rateClass) => limits[rateClass].butOfAll !== undefined,
    async succeeded(rateClass, asking) {
      if (isOn()) await buckets.giveBack(keyOf(rateClass, asking), limits[rateClass]);
    },
    checkStranger: (ip) => take(`stranger\0${networkOf(ip)}`, STRANGERS),
  };
}

/** The limit of a user's own; "none": they may ask as often as they like. */
function ownLimit(rateClass: RateClass, { user, own }: Asking): BucketLimit | "none" | undefined {
  if (own === undefined || user === undefined) return undefined;
  if (rateClasses[rateClass].by !== "user") return undefined;
  if (own.perSecond === 0) return "none";
  return { perSecond: own.perSecond, burst: Math.max(own.burst, 1) };
}

function keyOf(rateClass: RateClass, { user, ip }: Asking): string {
  const { by } = rateClasses[rateClass];
  return `${rateClass}\0${by === "user" && user !== undefined ? user : networkOf(ip)}`;
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
    giveBack(key, limit) {
      const before = levels.get(key);
      // What is not kept is full.
      if (before) levels.set(key, restore(before, limit));
    },
  };
}
