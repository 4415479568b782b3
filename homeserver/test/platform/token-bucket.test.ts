import fc from "fast-check";
import { expect, test } from "vitest";
import { type BucketLevel, draw } from "../../src/platform/pacing/token-bucket.ts";

const LIMIT = { perSecond: 2, burst: 10 };

test("a full bucket gives its burst, and then as much as comes back", () => {
  let level: BucketLevel | undefined;
  const take = (at: number) => {
    const { after, wait } = draw(level, LIMIT, at);
    level = after;
    return wait;
  };
  const waits = Array.from({ length: 12 }, () => take(1_000));
  expect(waits).toEqual([...Array.from({ length: 10 }, () => 0), 500, 500]);
  expect(take(1_250)).toBe(250);
  expect(take(1_500)).toBe(0);
  expect(take(1_500)).toBe(500);
});

test("what is drawn beyond what is left is waited for afterwards", () => {
  const { after, wait } = draw(undefined, LIMIT, 0, 110);
  expect(wait).toBe(0);
  expect(after.level).toBe(-100);
  expect(draw(after, LIMIT, 0).wait).toBe(50_500);
});

test("whatever is drawn when, the wait that is told is enough, and no bucket holds more than its burst", () => {
  const draws = fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 20_000 }),
      amount: fc.integer({ min: 1, max: 50 }),
    }),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(draws, (all) => {
      let level: BucketLevel | undefined;
      let now = 0;
      for (const { after, amount } of all) {
        now += after;
        const outcome = draw(level, LIMIT, now, amount);
        expect(outcome.after.level).toBeLessThanOrEqual(LIMIT.burst);
        if (outcome.wait > 0) expect(draw(level, LIMIT, now + outcome.wait, amount).wait).toBe(0);
        level = outcome.after;
      }
    }),
  );
});
