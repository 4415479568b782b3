/** Requests that wait end with the session that they were made in. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import { createSessionWatches } from "../../src/users/sessions/session-watch.ts";
import type { Users } from "../../src/users/users.ts";
import { id, openUsers, START, type TestUsers } from "./support.ts";
import { inTime } from "../support/wait.ts";

const over = { status: 401, errcode: "M_UNKNOWN_TOKEN" };

describe("on any replica", () => {
  const alice = id("alice");
  let t: TestUsers;
  let other: Users;
  beforeAll(async () => {
    t = await openUsers({ replicated: true });
    other = await t.replica();
    await t.users.registration.create("alice", "wonderland");
  });
  afterAll(() => t.close());

  /** A request that waits on one replica; `doubted` resolves when it is woken. */
  async function waiting(users: Users, deviceId: string) {
    const { accessToken } = await t.users.sessions.issue(alice, { deviceId });
    await users.sessions.byAccessToken(accessToken);
    const watch = users.sessions.watch(alice, accessToken);
    await watch.check();
    const doubted = new Promise<void>((resolve) => void watch.onDoubt(resolve));
    return { watch, doubted };
  }

  test.each([
    ["here", () => t.users],
    ["there", () => other],
  ])("a device that is removed ends what waits %s, and others go on", async (_, users) => {
    const gone = await waiting(users(), "GONE");
    const stays = await waiting(users(), "STAYS");
    await t.users.devices.remove(alice, ["GONE"]);
    await inTime("both are woken", Promise.all([gone.doubted, stays.doubted]));
    await expect(gone.watch.check()).rejects.toMatchObject(over);
    await stays.watch.check();
    for (const { watch } of [gone, stays]) watch.end();
  });

  test("a token that ended before anybody watched is found out at once", async () => {
    const { accessToken } = await t.users.sessions.issue(alice, { deviceId: "EARLY" });
    await t.users.devices.remove(alice, ["EARLY"]);
    const watch = t.users.sessions.watch(alice, accessToken);
    const doubted = new Promise<void>((resolve) => void watch.onDoubt(resolve));
    await inTime("who watches is woken", doubted);
    await expect(watch.check()).rejects.toMatchObject(over);
    watch.end();
  });
});

describe("a token that expires", () => {
  afterEach(() => vi.useRealTimers());

  test("ends what waits at that moment", async () => {
    vi.useFakeTimers();
    const clock = createManualClock(START);
    const confirm = vi.fn(async () => {
      throw new Error("expired");
    });
    const watches = createSessionWatches({ clock, expiryOf: () => START + 1_000, confirm });
    const watch = watches.watch(id("alice"), "token");
    const told = vi.fn();
    watch.onDoubt(told);
    vi.advanceTimersByTime(999);
    expect(watch.check()).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(told).toHaveBeenCalledTimes(1);
    await expect(watch.check()).rejects.toThrow("expired");
    watch.end();
    watches.changed(undefined);
    expect(told).toHaveBeenCalledTimes(1);
  });
});
