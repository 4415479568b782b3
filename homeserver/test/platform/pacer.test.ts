import { expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { createPacer } from "../../src/platform/pacing/pacer.ts";
import { until } from "../support/wait.ts";

test("the first piece begins at once, each other one a gap later, in order", async () => {
  const clock = createManualClock();
  const pacer = createPacer(2, clock);
  const begun: number[] = [];
  for (let n = 0; n < 5; n++) void pacer.turn().then(() => begun.push(n));
  for (let n = 1; n <= 5; n++) {
    await until(() => begun.length === n && clock.sleepers === 1);
    clock.advance(2);
  }
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  // Time in which nothing waited is not made up for.
  clock.advance(1_000);
  await until(() => clock.sleepers === 0);
  for (let n = 5; n < 10; n++) void pacer.turn().then(() => begun.push(n));
  await until(() => begun.length === 6 && clock.sleepers === 1);
});

test("pieces that are late begin a few at a time, and what else is to be done comes in between", async () => {
  let now = 0;
  const pacer = createPacer(2, {
    // Each look at the clock finds it far ahead: the event loop is behind.
    monotonic: () => (now += 100),
    sleep: () => Promise.reject(new Error("nobody is to sleep")),
  });
  const begun: number[] = [];
  const all = Array.from({ length: 20 }, () => pacer.turn().then(() => begun.push(turns)));
  let turns = 0;
  const count = () => {
    turns += 1;
    if (begun.length < 20) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(all);
  const inEach = Object.values(Object.groupBy(begun, String)).map((found) => found!.length);
  expect(Math.max(...inEach)).toBeLessThanOrEqual(5);
  expect(inEach.length).toBeGreaterThanOrEqual(4);
});
