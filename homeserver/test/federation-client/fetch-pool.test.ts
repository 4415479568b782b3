import { expect, test } from "vitest";
import { createFetchPool } from "../../src/federation-client/keys/fetch-pool.ts";
import { nextTurn } from "../support/wait.ts";

/** A question that nobody answers, until it is given up. */
const silence = (signal: AbortSignal) =>
  new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("given up")));

test("silent servers hold nobody up for longer than a moment", async () => {
  const pool = createFetchPool({ quick: 2, quickMs: 10, slow: 10, maxWaiting: 100 });
  const silent = Array.from({ length: 8 }, () => pool.run(silence));
  expect(await pool.run(async () => "answer")).toBe("answer");
  expect(pool.slow).toBeGreaterThanOrEqual(7);
  // Ten go on at once, and the oldest give way.
  for (let count = 0; count < 4; count++) silent.push(pool.run(silence));
  expect(await Promise.all(silent.slice(0, 2))).toEqual(["given up", "given up"]);
  expect(await pool.run(async () => "another")).toBe("another");
});

test("questions for different reasons take turns, however many one brings", async () => {
  const pool = createFetchPool({ quick: 2, quickMs: 60_000, slow: 10, maxWaiting: 100 });
  const order: string[] = [];
  const gates: (() => void)[] = [];
  const ask = (name: string, about: string) =>
    pool.run(() => {
      order.push(name);
      return new Promise<void>((resolve) => gates.push(resolve));
    }, about);
  const all = Array.from({ length: 50 }, (_, count) => ask(`flood ${count}`, "flood"));
  all.push(ask("honest 1", "honest"), ask("honest 2", "honest"), ask("third", "third"));
  while (gates.length > 0) {
    gates.shift()!();
    await nextTurn();
  }
  await Promise.all(all);
  expect(order.indexOf("honest 1")).toBeLessThan(5);
  expect(order.indexOf("third")).toBeLessThan(6);
  expect(order.indexOf("honest 2")).toBeLessThan(8);
  expect(order).toHaveLength(53);
  expect(pool.waiting).toBe(0);
});

test("those give way that have the most slow questions under way, and each waits in a line of its own", async () => {
  const pool = createFetchPool({ quick: 1, quickMs: 5, slow: 3, maxWaiting: 5 });
  const honest = pool.run(silence, "honest");
  const flood = Array.from({ length: 6 }, () => pool.run(silence, "flood"));
  // Six of them are too many to wait, and no reason why others should not.
  expect(await flood.at(-1)).toBeUndefined();
  const other = pool.run(async () => "answer", "other");
  expect(await other).toBe("answer");
  expect(await Promise.all(flood.slice(0, 2))).toEqual(["given up", "given up"]);
  let isOver = false;
  void honest.then(() => (isOver = true));
  await nextTurn();
  expect(isOver).toBe(false);
});

test("a place is given back when a question fails", async () => {
  const pool = createFetchPool({ quick: 1, quickMs: 60_000, slow: 1, maxWaiting: 100 });
  for (let count = 0; count < 3; count++) {
    await expect(pool.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  }
  expect(await pool.run(async () => "answer")).toBe("answer");
});

test("no more wait than may", async () => {
  const pool = createFetchPool({ quick: 1, quickMs: 60_000, slow: 1, maxWaiting: 1 });
  const first = Promise.withResolvers<string>();
  const running = [pool.run(() => first.promise), pool.run(async () => "second")];
  expect(await pool.run(async () => "third")).toBeUndefined();
  first.resolve("first");
  expect(await Promise.all(running)).toEqual(["first", "second"]);
});
