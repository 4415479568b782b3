import { expect, test } from "vitest";
import { createFetchPool } from "../../src/remote/fetch-pool.ts";

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
