import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { SyncApi, Synced } from "../../src/api/sync.ts";
import { createSyncEngine, defaultBackOff } from "../../src/store/sync-engine.ts";

type Answer = string | Error | Promise<string> | Synced;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(0);

/** A server that answers as the script says and then holds the long poll. */
function setUp(script: Answer[], since?: string) {
  const asked: { since: string | undefined; timeout: number; presence: string }[] = [];
  const applied: string[] = [];
  /** Tokens that may not count. */
  const held = new Set<string>();
  const seen: string[] = [];
  const signals: AbortSignal[] = [];
  const onReset = vi.fn();
  const api: SyncApi = {
    setPresence: () => undefined,
    stop: () => undefined,
    sync: async (options, signal) => {
      asked.push({ ...options, since: options.since });
      signals.push(signal);
      const answer = script.shift();
      if (answer instanceof Error) throw answer;
      if (typeof answer === "object" && "response" in answer) return answer;
      if (answer !== undefined) return { response: { next_batch: await answer } };
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    },
  };
  const engine = createSyncEngine({
    api,
    since,
    apply: ({ response }) => {
      applied.push(response.next_batch);
      return !held.has(response.next_batch);
    },
    onReset,
    backOff: (failures) => failures * 1000,
  });
  engine.$status.listen((status) => seen.push(status));
  return { engine, asked, applied, held, seen, signals, onReset };
}

const from = (asked: { since: string | undefined }[]) => asked.map(({ since }) => since);

test("the first sync answers at once, the next ones wait for news", async () => {
  const { engine, asked, applied } = setUp(["s1", "s2"]);
  engine.start();
  await settle();
  expect(asked).toEqual([
    { since: undefined, timeout: 0, presence: "online", open: undefined },
    { since: "s1", timeout: 30_000, presence: "online", open: undefined },
    { since: "s2", timeout: 30_000, presence: "online", open: undefined },
  ]);
  expect(applied).toEqual(["s1", "s2"]);
  expect(engine.since).toBe("s2");
});

test("it goes on from where the last visit ended, and asks for news at once", async () => {
  const { engine, asked } = setUp(["s8"], "s7");
  expect(engine.$status.get()).toBe("starting");
  engine.start();
  await settle();
  expect(asked.map(({ since, timeout }) => [since, timeout])).toEqual([
    ["s7", 0],
    ["s8", 30_000],
  ]);
  expect(engine.$status.get()).toBe("live");
});

test("starting twice follows once", async () => {
  const { engine, asked } = setUp(["s1"]);
  engine.start();
  engine.start();
  await settle();
  expect(from(asked)).toEqual([undefined, "s1"]);
});

test("presence goes along as it is at the time of asking", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { engine, asked } = setUp([promise]);
  engine.start();
  await settle();
  engine.$presence.set("unavailable");
  resolve("s1");
  await settle();
  expect(asked.map(({ presence }) => presence)).toEqual(["online", "unavailable"]);
});

test("what may not count is asked for again after a while, or when it may count", async () => {
  const { engine, asked, held } = setUp(["s2", "s3", "s4"], "s1");
  held.add("s2").add("s3");
  engine.start();
  await settle();
  expect(from(asked)).toEqual(["s1"]);
  expect([engine.since, engine.$status.get()]).toEqual(["s1", "live"]);
  await vi.advanceTimersByTimeAsync(9_999);
  expect(from(asked)).toEqual(["s1"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(from(asked)).toEqual(["s1", "s1"]);
  engine.retryNow();
  await settle();
  expect(from(asked)).toEqual(["s1", "s1", "s1", "s4"]);
});

describe("rooms that come in parts", () => {
  const part: Synced = { response: { next_batch: "p1" }, isPartial: true };

  test("are all there after the last: before it no other visit could go on from what is held", async () => {
    const { engine, asked } = setUp([part, "s2"]);
    let isTold = false;
    void engine.hasAll().then(() => (isTold = true));
    const states: unknown[] = [];
    engine.$hasAll.subscribe((has) => states.push(has));
    const kept: unknown[] = [];
    engine.$status.listen(() => kept.push(engine.since));
    engine.start();
    await settle();
    expect([states, kept, isTold]).toEqual([[false, true], [undefined], true]);
    expect([from(asked), engine.since]).toEqual([[undefined, "p1", "s2"], "s2"]);
  });

  test("are not all there any more when it begins anew", async () => {
    const { engine } = setUp([new ApiError(400, { errcode: "M_UNKNOWN_POS" }), part], "s1");
    engine.start();
    expect(engine.$hasAll.get()).toBe(true);
    await settle();
    expect([engine.$hasAll.get(), engine.since]).toEqual([false, undefined]);
  });
});

test("who waits for all rooms for so long and no longer is told that the server is not there", async () => {
  const { engine } = setUp([{ response: { next_batch: "p1" }, isPartial: true }]);
  engine.start();
  const waiting = engine.hasAll(60_000);
  const told = expect(waiting).rejects.toBeInstanceOf(NetworkError);
  await vi.advanceTimersByTimeAsync(60_000);
  await told;
});

test("a position that is lost again before all is there is not asked for without a pause", async () => {
  const lost = () => new ApiError(400, { errcode: "M_UNKNOWN_POS" });
  const part = (at: string): Synced => ({ response: { next_batch: at }, isPartial: true });
  const { engine, asked } = setUp([lost(), part("p1"), lost(), part("p2"), lost(), "s3"], "s1");
  engine.start();
  await settle();
  expect(from(asked)).toEqual(["s1", undefined, "p1"]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(from(asked).slice(3)).toEqual([undefined, "p2"]);
  await vi.advanceTimersByTimeAsync(1999);
  expect(from(asked).slice(5)).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(from(asked).slice(5)).toEqual([undefined, "s3"]);
});

test("where what is for the device is not kept, it goes on without saying that it is", async () => {
  const given: Synced = { response: { next_batch: "s2" }, unkept: "u2" };
  const { engine, asked, held } = setUp([given, "s3"], "s1");
  held.add("s2");
  engine.start();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(from(asked)).toEqual(["s1", "u2", "s3"]);
});

describe("when the server is away", () => {
  test("it goes on where it was, says so meanwhile, and comes back with an answer at once", async () => {
    const { engine, asked, seen } = setUp([
      "s1",
      new NetworkError("x"),
      new ApiError(502, {}),
      "s2",
    ]);
    engine.start();
    await settle();
    expect(seen).toEqual(["live", "offline"]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(seen).toEqual(["live", "offline", "live"]);
    expect(from(asked)).toEqual([undefined, "s1", "s1", "s1", "s2"]);
    expect(asked[3]?.timeout).toBe(0);
    expect(asked[4]?.timeout).toBe(30_000);
  });

  test("each failure in a row is waited for longer, and an answer ends the row", async () => {
    const { engine, asked } = setUp([
      new NetworkError("x"),
      new NetworkError("x"),
      "s1",
      new NetworkError("x"),
    ]);
    engine.start();
    const after = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return asked.length;
    };
    expect(await after(999)).toBe(1);
    expect(await after(1)).toBe(2);
    expect(await after(1999)).toBe(2);
    // The third answers, the fourth fails at once.
    expect(await after(1)).toBe(4);
    expect(await after(999)).toBe(4);
    expect(await after(1)).toBe(5);
  });

  test("it waits for as long as the server asks", async () => {
    const { engine, asked } = setUp([new ApiError(429, { retry_after_ms: 7000 })]);
    engine.start();
    await vi.advanceTimersByTimeAsync(6999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(2);
  });

  test("a wait ends when the network is back, and not a second time", async () => {
    const { engine, asked } = setUp([new NetworkError("x"), "s1"]);
    engine.start();
    await settle();
    engine.retryNow();
    await settle();
    engine.retryNow();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(from(asked)).toEqual([undefined, undefined, "s1"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits leave nothing behind on the signal that ends them all", async () => {
    const add = vi.spyOn(AbortSignal.prototype, "addEventListener");
    const remove = vi.spyOn(AbortSignal.prototype, "removeEventListener");
    const { engine } = setUp([new NetworkError("x"), new NetworkError("x"), "s1"]);
    engine.start();
    await vi.advanceTimersByTimeAsync(3000);
    // The one that is left is the long poll's.
    expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([3, 2]);
    vi.restoreAllMocks();
  });
});

describe("a token that the server no longer knows", () => {
  test.each([
    ["M_UNKNOWN_POS", 400],
    ["M_INVALID_PARAM", 400],
  ])("leads to a fresh start (%s)", async (errcode, status) => {
    const { engine, asked, onReset, seen } = setUp(
      [new ApiError(status, { errcode }), "s9"],
      "old",
    );
    engine.start();
    await settle();
    expect(onReset).toHaveBeenCalledOnce();
    expect(from(asked)).toEqual(["old", undefined, "s9"]);
    expect(seen).toEqual(["live"]);
  });

  test("is no reason to start afresh over and over", async () => {
    const bad = () => new ApiError(400, { errcode: "M_INVALID_PARAM" });
    const { engine, asked, onReset, seen } = setUp([bad(), bad(), "s1"], "old");
    engine.start();
    await settle();
    expect(from(asked)).toEqual(["old", undefined]);
    expect(seen).toEqual(["offline"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(from(asked)).toEqual(["old", undefined, undefined, "s1"]);
    expect(onReset).toHaveBeenCalledOnce();
  });
});

test("when the network goes it says so at once, gives up the poll, and goes on where it was", async () => {
  const { engine, asked, signals, seen } = setUp(["s1"]);
  engine.start();
  await settle();
  engine.lost();
  expect(engine.$status.get()).toBe("offline");
  expect(signals[1]!.aborted).toBe(true);
  await settle();
  expect(asked).toHaveLength(2);
  engine.retryNow();
  await settle();
  expect(from(asked)).toEqual([undefined, "s1", "s1"]);
  expect(asked[2]!.timeout).toBe(0);
  expect(seen).toEqual(["live", "offline"]);
});

test("a network that goes while it is stopped changes nothing", () => {
  const { engine } = setUp([]);
  engine.lost();
  expect(engine.$status.get()).toBe("starting");
});

test("an ended session stops it, for good", async () => {
  const { engine, asked } = setUp(["s1", new ApiError(401, { errcode: "M_UNKNOWN_TOKEN" })]);
  engine.start();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked).toHaveLength(2);
  expect(vi.getTimerCount()).toBe(0);
});

test("what is answered after it was stopped is not taken in", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { engine, asked, applied, seen } = setUp([promise]);
  engine.start();
  await settle();
  engine.stop();
  resolve("s1");
  await settle();
  expect(applied).toEqual([]);
  expect(engine.since).toBeUndefined();
  expect(seen).toEqual([]);
  expect(asked).toHaveLength(1);
});

test("stopping ends a long poll and a wait, and it can be started again where it was", async () => {
  const { engine, asked, signals } = setUp(["s1", new NetworkError("x")]);
  engine.start();
  await settle();
  engine.stop();
  expect(signals[0]?.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(from(asked)).toEqual([undefined, "s1"]);
  engine.start();
  await settle();
  expect(from(asked)).toEqual([undefined, "s1", "s1"]);
  engine.stop();
  await settle();
  expect(vi.getTimerCount()).toBe(0);
});

test("waits double from a second to ten, each up to a third longer", () => {
  const random = vi.spyOn(Math, "random");
  random.mockReturnValue(0);
  expect([1, 2, 3, 4, 5, 50].map(defaultBackOff)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  random.mockReturnValue(0.999);
  expect(defaultBackOff(1)).toBeGreaterThan(1300);
  expect(defaultBackOff(50)).toBeLessThan(14_000);
  random.mockRestore();
});
