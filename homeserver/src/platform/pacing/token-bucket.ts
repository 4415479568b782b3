/** How much a token bucket holds at most, and how fast it fills. */
export interface BucketLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** What a bucket held at a time (ms that only ever go forward). */
export interface BucketLevel {
  readonly level: number;
  readonly at: number;
}

/** Levels are fractions: what comes back in the time that was told makes one within this. */
const ROUNDING = 1e-6;

/**
 * Draws from a bucket that holds at least one, also more than it holds. `before` undefined: it is
 * full.
 * @returns what it holds now, and 0 or the ms until it holds one again (then nothing was drawn)
 */
export function draw(
  before: BucketLevel | undefined,
  { perSecond, burst }: BucketLimit,
  at: number,
  amount = 1,
): { readonly after: BucketLevel; readonly wait: number } {
  const filled = before ? before.level + ((at - before.at) / 1000) * perSecond : burst;
  const level = Math.min(burst, filled);
  if (level >= 1 - ROUNDING) return { after: { level: level - amount, at }, wait: 0 };
  return { after: { level, at }, wait: Math.ceil(((1 - level) / perSecond) * 1000) };
}

/** The bucket with one more in it, though never above its burst. */
export function restore({ level, at }: BucketLevel, { burst }: BucketLimit): BucketLevel {
  return { level: Math.min(burst, level + 1), at };
}
