import { expect, test, vi } from "vitest";
import { eventually } from "./eventually.ts";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { SyncApi } from "../../src/api/sync.ts";
import { createSyncEngine } from "../../src/store/sync-engine.ts";

type Answer = string | Error;

/** A server that answers as the script says and then holds the long poll. */
function setUp(script: Answer[], since?: string) {
  const asked: { since: string | undefined; timeout: number }[] = [];
  const applied: string[] = [];
  const onReset = vi.fn();
  const api: SyncApi = {
    sync: (options, signal) => {
      asked.push({ since: options.since, timeout: options.timeout });
      const answer = script.shift();
      if (answer instanceof Error) return Promise.reject(answer);
      if (answer !== undefined) return Promise.resolve({ next_batch: answer });
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    },
  };
  const engine = createSyncEngine({
    api,
    since,
    apply: (response) => applied.push(response.next_batch),
    onReset,
    backOff: () => 1,
  });
  return { engine, asked, applied, onReset };
}

test("the first sync answers at once, the next ones wait for news", async () => {
  const { engine, asked } = setUp(["s1", "s2"]);
  engine.start();
  await eventually(() => expect(asked).toHaveLength(3));
  engine.stop();
  expect(asked).toEqual([
    { since: undefined, timeout: 0 },
    { since: "s1", timeout: 30_000 },
    { since: "s2", timeout: 30_000 },
  ]);
});

test("it goes on where it was after the server was away, and says so meanwhile", async () => {
  const { engine, asked } = setUp(["s1", new NetworkError("x"), new ApiError(502, {}), "s2"]);
  const seen: string[] = [];
  engine.$status.listen((status) => seen.push(status));
  engine.start();
  await eventually(() => expect(asked).toHaveLength(5));
  engine.stop();
  expect(seen).toEqual(["live", "offline", "live"]);
  expect(asked.map(({ since }) => since)).toEqual([undefined, "s1", "s1", "s1", "s2"]);
  expect(asked[3]?.timeout).toBe(0);
});

test("a token that the server no longer knows leads to a fresh start", async () => {
  const { engine, asked, onReset } = setUp(
    [new ApiError(400, { errcode: "M_UNKNOWN_POS" }), "s9"],
    "old",
  );
  engine.start();
  await eventually(() => expect(asked).toHaveLength(3));
  engine.stop();
  expect(onReset).toHaveBeenCalledOnce();
  expect(asked.map(({ since }) => since)).toEqual(["old", undefined, "s9"]);
});

test("an ended session stops it", async () => {
  const { engine, asked } = setUp([new ApiError(401, { errcode: "M_UNKNOWN_TOKEN" })]);
  engine.start();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toHaveLength(1);
});
