import { expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { collectWhenIdle } from "../../src/platform/idle-collection.ts";
import { nextTurn } from "../support/wait.ts";

const MB = 1024 * 1024;

test("garbage is collected once nothing is going on, and what stays is not looked at again", async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const now = { cpu: 0, heap: 50 * MB, live: 50 * MB, collected: 0 };
  const usage = {
    cpu: () => now.cpu,
    heap: () => now.heap,
    collect() {
      now.collected += 1;
      now.heap = now.live;
    },
  };
  const running = collectWhenIdle(stop.signal, usage, clock);
  async function pass(cpu: number, heap: number): Promise<number> {
    now.cpu += cpu;
    now.heap = heap;
    clock.advance(10_000);
    await nextTurn();
    return now.collected;
  }
  expect(await pass(100, 60 * MB), "too little").toBe(0);
  expect(await pass(5_000, 300 * MB), "busy").toBe(0);
  expect(await pass(100, 600 * MB), "too much to look through").toBe(0);
  now.live = 120 * MB;
  expect(await pass(100, 300 * MB), "idle").toBe(1);
  expect(await pass(100, 130 * MB), "in use").toBe(1);
  expect(await pass(100, 170 * MB), "garbage again").toBe(2);
  expect(await pass(100, 60 * MB), "V8 has collected itself").toBe(2);
  expect(await pass(100, 110 * MB)).toBe(3);
  stop.abort();
  await running;
});

test("the process's own heap", async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const heap = () => process.memoryUsage().heapUsed;
  const running = collectWhenIdle(stop.signal, undefined, clock);
  let garbage: number[][] | undefined = Array.from({ length: 100 }, () =>
    Array.from<number>({ length: 200_000 }).fill(0.5),
  );
  const full = heap();
  expect(garbage.length).toBe(100);
  garbage = undefined;
  clock.advance(10_000);
  await nextTurn();
  // Filling the heap was work: it is idle only the next time.
  clock.advance(10_000);
  await nextTurn();
  expect(heap()).toBeLessThan(full - 100 * MB);
  stop.abort();
  await running;
});
