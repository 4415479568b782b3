import { atMost, LRUCache } from "../../platform/caches.ts";
import { type BucketLevel, type BucketLimit, draw } from "../../platform/pacing/token-bucket.ts";

/** What keys may use up over time, such as bytes. */
export interface Allowance<K> {
  /**
   * Uses some up, also more than is left.
   * @returns 0, or the ms to wait when nothing is left (then nothing is used)
   */
  take(key: K, amount: number): number;
}

/** `burst`: what a key may use at once; `perSecond`: how fast that comes back. */
export interface AllowanceOptions extends BucketLimit {
  /** Keys that are remembered; the one that was not seen for the longest time is forgotten. */
  readonly keys: number;
}

/** `now`: ms that only ever go forward. */
export function createAllowance<K extends {}>(
  { keys, ...limit }: AllowanceOptions,
  now: () => number,
): Allowance<K> {
  const levels = new LRUCache<K, BucketLevel>(atMost(keys));
  return {
    take(key, amount) {
      const { after, wait } = draw(levels.get(key), limit, now(), amount);
      levels.set(key, after);
      return wait;
    },
  };
}
