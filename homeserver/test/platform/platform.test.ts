import { describe, expect, test } from "vitest";
import { createBatchCache, createLoadingCache } from "../../src/platform/caches.ts";
import { createManualClock, sleep } from "../../src/platform/clock.ts";
import { createKeyedQueue } from "../../src/platform/keyed-queue.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { createSeededRandom, systemRandom } from "../../src/platform/random.ts";
import { createSemaphore } from "../../src/platform/semaphore.ts";
import { createYielder } from "../../src/platform/yielder.ts";
import { createSingleFlight } from "../../src/platform/single-flight.ts";
import { nextTurn } from "../support/wait.ts";

/** A promise to be settled by hand. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe("clocks", () => {
  test("a manual clock wakes sleepers when it is moved, in the order they are due", async () => {
    const clock = createManualClock(1_000);
    const woken: string[] = [];
    void clock.sleep(20).then(() => woken.push("late"));
    void clock.sleep(10).then(() => woken.push("early"));
    clock.advance(9);
    await nextTurn();
    expect(woken).toEqual([]);
    clock.advance(11);
    await nextTurn();
    expect(woken).toEqual(["early", "late"]);
    expect(clock.now()).toBe(1_020);
  });

  test("a sleep ends when its signal aborts", async () => {
    const stop = new AbortController();
    const asleep = sleep(60_000, stop.signal);
    stop.abort();
    await asleep;
    await sleep(60_000, stop.signal);
  });
});

describe("randomness", () => {
  test("the same seed gives the same sequence", () => {
    const [a, b] = [createSeededRandom(7), createSeededRandom(7)];
    expect(a.alphanumeric(40)).toBe(b.alphanumeric(40));
    expect(a.bytes(8)).toEqual(b.bytes(8));
    expect(a.alphanumeric(40)).not.toBe(createSeededRandom(8).alphanumeric(40));
  });

  test("letters and digits of the length asked for", () => {
    expect(systemRandom.alphanumeric(50)).toMatch(/^[A-Za-z0-9]{50}$/);
    expect(systemRandom.integer(3)).toBeLessThan(3);
  });
});

test("a semaphore lets so many in at once, the others in order, and turns away beyond its queue", async () => {
  const semaphore = createSemaphore(1, 1);
  const release = await semaphore.acquire();
  const order: string[] = [];
  const second = semaphore.acquire().then((next) => {
    order.push("second");
    next?.();
  });
  expect(await semaphore.acquire()).toBeUndefined();
  expect([semaphore.running, semaphore.waiting]).toEqual([1, 1]);
  order.push("first");
  release?.();
  release?.();
  await second;
  expect(order).toEqual(["first", "second"]);
  expect(semaphore.running).toBe(0);
});

test("requests that meet share one answer or one error, later ones ask again", async () => {
  const flights = createSingleFlight<string, number>();
  const first = deferred<number>();
  let loads = 0;
  const load = () => {
    loads += 1;
    return first.promise;
  };
  const both = [flights.run("a", load), flights.run("a", load)];
  first.resolve(1);
  expect(await Promise.all(both)).toEqual([1, 1]);
  expect(loads).toBe(1);
  await expect(flights.run("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await flights.run("a", async () => 2)).toBe(2);
  expect(flights.size).toBe(0);
});

test("tasks of one key run in order, an error doesn't stop the next, keys run beside one another", async () => {
  const queue = createKeyedQueue<string>();
  const order: string[] = [];
  const gate = deferred<void>();
  const first = queue.run("a", async () => {
    await gate.promise;
    order.push("a1");
    throw new Error("failed");
  });
  const second = queue.run("a", async () => order.push("a2"));
  await queue.run("b", async () => order.push("b1"));
  expect(queue.depth("a")).toBe(2);
  gate.resolve();
  await expect(first).rejects.toThrow("failed");
  await second;
  expect(order).toEqual(["b1", "a1", "a2"]);
  expect(queue.size).toBe(0);
});

describe("a loading cache", () => {
  test("loads once for all who ask, and keeps what it found", async () => {
    let loads = 0;
    const cache = createLoadingCache<string, number>({ max: 10, load: async () => ++loads });
    expect(await Promise.all([cache.get("a"), cache.get("a")])).toEqual([1, 1]);
    expect(await cache.get("a")).toBe(1);
    expect(cache.peek("a")).toBe(1);
  });

  test("doesn't keep what was read before a deletion", async () => {
    const answers = [deferred<number>(), deferred<number>(), deferred<number>()];
    let asked = 0;
    const cache = createLoadingCache<string, number>({
      max: 10,
      load: () => answers[asked++]!.promise,
    });
    const old = cache.get("a");
    cache.delete("a");
    const fresh = cache.get("a");
    answers[0]!.resolve(1);
    answers[1]!.resolve(2);
    expect(await Promise.all([old, fresh])).toEqual([1, 2]);
    expect(cache.peek("a")).toBeUndefined();
    answers[2]!.resolve(3);
    expect(await cache.get("a")).toBe(3);
  });

  test("asks again for what was not there", async () => {
    const found: (number | undefined)[] = [undefined, 5];
    const cache = createLoadingCache<string, number>({ max: 1, load: async () => found.shift() });
    expect(await cache.get("a")).toBeUndefined();
    expect(await cache.get("a")).toBe(5);
  });
});

describe("a cache that loads many at once", () => {
  test("loads what is missing together, once, and what does not exist again", async () => {
    const loaded: (readonly string[])[] = [];
    const cache = createBatchCache<string, number>({
      maxSize: 10,
      sizeOf: (value) => value,
      async load(keys) {
        loaded.push(keys);
        return new Map(keys.filter((key) => key !== "none").map((key) => [key, key.length]));
      },
    });
    expect([...(await cache.getAll(["a", "none"]))]).toEqual([["a", 1]]);
    expect([...(await cache.getAll(["a", "bb", "none"])).keys()].sort()).toEqual(["a", "bb"]);
    expect(loaded).toEqual([
      ["a", "none"],
      ["bb", "none"],
    ]);
    // It does not fit beside the others, which were asked for before.
    await cache.getAll(["eightlet"]);
    await cache.getAll(["bb", "eightlet"]);
    expect(loaded.slice(2)).toEqual([["eightlet"]]);
    await cache.getAll(["a"]);
    expect(loaded.slice(3)).toEqual([["a"]]);
  });

  test("doesn't keep what was read before a deletion, but what was read with it", async () => {
    const answers = [deferred<Map<string, number>>(), deferred<Map<string, number>>()];
    let asked = 0;
    const cache = createBatchCache<string, number>({
      maxSize: 10,
      sizeOf: () => 1,
      load: () => answers[asked++]!.promise,
    });
    const old = cache.getAll(["a", "b"]);
    cache.delete("a");
    const fresh = cache.getAll(["a"]);
    answers[1]!.resolve(new Map([["a", 2]]));
    expect([...(await fresh)]).toEqual([["a", 2]]);
    const both = [
      ["a", 1],
      ["b", 1],
    ] as const;
    answers[0]!.resolve(new Map(both));
    expect([...(await old)]).toEqual(both);
    expect(new Map(await cache.getAll(["a", "b"]))).toEqual(
      new Map([
        ["a", 2],
        ["b", 1],
      ]),
    );
  });
});

test("metrics of two servers in one process don't mix", async () => {
  const [one, two] = [createMetrics(), createMetrics()];
  one.counter("requests", "Requests.", ["code"]).inc({ code: "200" });
  two.counter("requests", "Requests.", ["code"]);
  one.observe("rooms", "Rooms.", () => 3);
  expect(await one.text()).toContain('weft_requests{code="200"} 1');
  expect(await one.text()).toContain("weft_rooms 3");
  expect(await two.text()).not.toContain("200");
});

test("long work lets others run after its turn, and only then", async () => {
  let now = 0;
  const turns = createYielder(5, () => now);
  expect(turns.pauseIfDue()).toBeUndefined();
  const order: string[] = [];
  setImmediate(() => order.push("others"));
  now += 6;
  await turns.pauseIfDue();
  order.push("work");
  expect(order).toEqual(["others", "work"]);
  expect(turns.pauseIfDue()).toBeUndefined();
});
