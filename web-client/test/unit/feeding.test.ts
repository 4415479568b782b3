import { describe, expect, test } from "vitest";
import { EncryptionError } from "../../src/encryption/errors.ts";
import { createFeeder } from "../../src/encryption/feeding.ts";
import type { SyncChanges } from "../../src/encryption/protocol.ts";

const message = (body: string) => ({
  type: "m.room.encrypted",
  sender: "@ann:one",
  content: { body },
});

const response = (...bodies: string[]) => ({
  next_batch: "s1",
  to_device: { events: bodies.map(message) },
  device_lists: { changed: ["@ann:one"] },
});

/** An engine that keeps what it is given, but for what `refuse` throws at. */
function setUp(refuse: (bodies: string[]) => void = () => undefined) {
  const kept: string[] = [];
  const wholes: boolean[] = [];
  const problems: string[] = [];
  const state = { hasFailed: false, isBehind: false, now: 0 };
  const feed = createFeeder({
    async give(changes: SyncChanges) {
      const events = JSON.parse(changes.toDevice) as ReturnType<typeof message>[];
      const bodies = events.map(({ content }) => content.body);
      refuse(bodies);
      kept.push(...bodies);
      wholes.push(changes.isWhole);
    },
    hasFailed: () => state.hasFailed,
    onRefusal(problem) {
      problems.push(problem);
      state.hasFailed = true;
    },
    isBehind: {
      get: () => state.isBehind,
      set: (to) => {
        state.isBehind = to;
      },
    },
    now: () => state.now,
  });
  return { feed, kept, wholes, problems, state };
}

test("what the engine keeps counts as got", async () => {
  const { feed, kept, wholes } = setUp();
  expect(await feed(response("one", "two"), false)).toBe(true);
  expect(kept).toEqual(["one", "two"]);
  expect(wholes).toEqual([false]);
});

describe("without an engine", () => {
  test("messages for the device do not count as got", async () => {
    const { feed, kept, state } = setUp();
    state.hasFailed = true;
    expect(await feed(response("one"), false)).toBe(false);
    state.hasFailed = false;
    expect(await feed(response("one"), false)).toBe(true);
    expect(kept).toEqual(["one"]);
  });

  test("what brings none does, and all devices are asked for anew later", async () => {
    const { feed, wholes, state } = setUp();
    state.hasFailed = true;
    expect(await feed(response(), false)).toBe(true);
    expect(state.isBehind).toBe(true);
    state.hasFailed = false;
    await feed(response(), false);
    await feed(response(), false);
    expect(wholes).toEqual([true, false]);
  });
});

test("what ends every engine that reads it is passed over, and nothing beside it", async () => {
  const { feed, kept, problems } = setUp((bodies) => {
    if (bodies.includes("poison")) throw new EncryptionError("unavailable");
  });
  expect(await feed(response("one", "poison", "two"), false)).toBe(true);
  expect(kept).toEqual(["one", "two"]);
  expect(problems).toEqual([]);
});

test("an engine that cannot keep messages is asked again, then counts as failed, and none is lost", async () => {
  const { feed, kept, problems } = setUp((bodies) => {
    if (bodies.length > 0) throw new Error("QuotaExceededError");
  });
  await expect(feed(response("one"), false)).rejects.toThrow("Quota");
  await expect(feed(response("one"), false)).rejects.toThrow("Quota");
  expect(await feed(response("one"), false)).toBe(false);
  expect(problems).toEqual(["Error: QuotaExceededError"]);
  expect(kept).toEqual([]);
});

test("an engine that fails meanwhile has nothing passed over", async () => {
  const { feed, state } = setUp((bodies) => {
    if (bodies.length === 0) return;
    state.hasFailed = bodies.length === 1;
    throw new EncryptionError("unavailable");
  });
  expect(await feed(response("one", "two"), false)).toBe(false);
});

test("what is no message does not hold up the others", async () => {
  const { feed, kept } = setUp();
  const events = [5, null, { type: "m.x" }, { ...message("x"), content: "text" }, message("one")];
  const played = { next_batch: "s1", to_device: { events: events as never[] } };
  expect(await feed(played, false)).toBe(true);
  expect(kept).toEqual(["one"]);
});

describe("a response that has nothing for the engine", () => {
  const quiet = (count: number) => ({
    next_batch: "s2",
    to_device: { events: [] },
    device_lists: { changed: [], left: [] },
    device_one_time_keys_count: { signed_curve25519: count },
    device_unused_fallback_key_types: ["signed_curve25519"],
  });

  test("is not given to it, and counts as got", async () => {
    const { feed, wholes } = setUp();
    for (let turn = 0; turn < 100; turn++) expect(await feed(quiet(50), false)).toBe(true);
    expect(wholes).toHaveLength(1);
  });

  test("is where it tells of another number of keys, or the engine is behind", async () => {
    const { feed, wholes, state } = setUp();
    for (const count of [50, 50, 49, 49, 50]) await feed(quiet(count), false);
    expect(wholes).toEqual([false, false, false]);
    state.isBehind = true;
    await feed(quiet(50), false);
    await feed(quiet(50), false);
    expect(wholes).toEqual([false, false, false, true]);
  });

  test("is given once in ten seconds, and nothing waits for that", async () => {
    const { feed, wholes, state } = setUp();
    await feed(quiet(50), false);
    state.now = 9_999;
    await feed(quiet(50), false);
    expect(wholes).toHaveLength(1);
    state.now = 10_000;
    expect(await feed(quiet(50), false)).toBe(true);
    expect(wholes).toHaveLength(2);
  });
});
