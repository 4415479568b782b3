/** Sliding sync: how the client begins with it, and goes on. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import type { Http } from "../../src/api/http.ts";
import { STATE } from "../../src/api/sliding-answer.ts";
import { createSyncApi, type Synced } from "../../src/api/sync.ts";
import type { Content } from "../../src/api/types.ts";
import { OF_ROOMS } from "../../src/store/image-packs.ts";

const ME = "@me:one";
const never = new AbortController().signal;
afterEach(() => void vi.unstubAllGlobals());

interface Asked {
  path: string;
  query: Record<string, unknown>;
  body: Content;
}

/** A server that gives the answers of a script, in turn. */
function setUp(script: (object | Error)[]) {
  const asked: Asked[] = [];
  const http = {
    async call(_method: string, path: string, { query, body }: Asked) {
      asked.push({ path, query, body: body ?? {} });
      const answer = script.shift();
      if (answer === undefined) throw new Error("It was asked too often");
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const sync = createSyncApi(http as unknown as Http, ME);
  /** Asks, and goes on from the answers one after another. */
  async function follow(times: number, open?: string): Promise<Synced[]> {
    const all: Synced[] = [];
    for (let turn = 0; turn < times; turn += 1) {
      const since = all.at(-1)?.response.next_batch;
      all.push(await sync.sync({ since, timeout: 30_000, presence: "online", open }, never));
    }
    return all;
  }
  return { asked, sync, follow };
}

const listOf = ({ body }: Asked) => (body["lists"] as { all: Content }).all;
const extensionsOf = ({ body }: Asked) => body["extensions"] as Record<string, Content>;
const isSliding = ({ path }: Asked) => path.includes("simplified_msc3575");

/** An answer about so many rooms, of `count`. */
function answer(pos: string, rooms: string[], count: number, extensions: object = {}) {
  const given = Object.fromEntries(
    rooms.map((roomId) => [roomId, { initial: true, membership: "join", timeline: [] }]),
  );
  return { pos, lists: { all: { count } }, rooms: given, extensions };
}
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `!${from + at}:one`);

describe("who begins with nothing", () => {
  test("gets the newest rooms first, then parts, and at last all of them with what is for the device", async () => {
    const { asked, follow } = setUp([
      answer("p1", ids(0, 24), 300),
      answer("p2", ids(24, 300), 300),
      answer("p3", ids(0, 300), 300, { to_device: { next_batch: "m9", events: [] } }),
      answer("p4", [], 300, { to_device: { next_batch: "m9", events: [] } }),
    ]);
    const all = await follow(4);
    expect(asked.map((one) => listOf(one)["ranges"])).toEqual([
      [[0, 23]],
      [[0, 523]],
      [[0, 99_999]],
      [[0, 99_999]],
    ]);
    // The whole list comes before the messages that it does not show.
    expect(asked.map((one) => listOf(one)["timeline_limit"])).toEqual([1, 1, 20, 20]);
    expect(asked.map(({ query }) => query["timeout"])).toEqual([0, 0, 0, 30_000]);
    expect(asked.map((one) => "to_device" in extensionsOf(one))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(extensionsOf(asked[3]!)["to_device"]).toEqual({ enabled: true, since: "m9" });
    expect(all.map(({ isPartial }) => isPartial === true)).toEqual([true, true, false, false]);
    expect(all.map(({ begins }) => begins === true)).toEqual([false, false, true, false]);
    expect(all.map((one) => one.all?.size)).toEqual([undefined, undefined, 300, undefined]);
    expect(new Set(asked.map(({ body }) => body["conn_id"])).size).toBe(1);
  });

  test("gets a list of thousands in parts of a bounded size", async () => {
    const { asked, follow } = setUp([
      answer("p1", ids(0, 24), 1200),
      answer("p2", ids(24, 524), 1200),
      answer("p3", ids(0, 1024), 1200),
      answer("p4", ids(1024, 1200), 1200),
    ]);
    const all = await follow(4);
    expect(asked.map((one) => listOf(one)["ranges"])).toEqual([
      [[0, 23]],
      [[0, 523]],
      [[0, 1023]],
      [[0, 99_999]],
    ]);
    expect(asked.map((one) => listOf(one)["timeline_limit"])).toEqual([1, 1, 20, 20]);
    expect(all.at(-1)!.all?.size).toBe(1200);
  });

  test("goes on by /sync where the server says from where", async () => {
    const { asked, follow } = setUp([
      answer("p1", ids(0, 2), 2, { "weft.sync": {} }),
      answer("p2", [], 2, { "weft.sync": { next_batch: "s7" }, to_device: { events: [] } }),
      { next_batch: "s8" },
    ]);
    const all = await follow(3);
    expect(all.map(({ response }) => response.next_batch).slice(1)).toEqual(["s7", "s8"]);
    expect(asked.map(isSliding)).toEqual([true, true, false]);
    expect(asked[2]!.query["since"]).toBe("s7");
    expect([all[1]!.begins, all[1]!.all]).toEqual([true, new Set(ids(0, 2))]);
  });

  test("has the room that is looked at in the first answer", async () => {
    const { asked, follow } = setUp([answer("p1", ids(0, 24), 300), answer("p2", [], 300)]);
    await follow(2, "!far:one");
    expect(asked[0]!.body["room_subscriptions"]).toMatchObject({
      "!far:one": { timeline_limit: 20 },
    });
  });

  test("uses /sync where there is no sliding sync, and does not ask for it again", async () => {
    const whole = { next_batch: "s1", rooms: { join: { "!a:one": {} }, invite: { "!b:one": {} } } };
    const { asked, sync, follow } = setUp([new ApiError(404, {}), whole, whole]);
    const [first] = await follow(1);
    expect([first!.begins, first!.isPartial]).toEqual([true, undefined]);
    expect(first!.all).toEqual(new Set(["!a:one", "!b:one"]));
    expect(first!.response.rooms!.join!["!a:one"]).toEqual({ initial: true });
    await sync.sync({ timeout: 0, presence: "online" }, never);
    expect(asked.map(isSliding)).toEqual([true, false, false]);
  });

  test.each([new NetworkError("away"), new ApiError(503, {}), new ApiError(401, {})])(
    "does not take %s for the lack of it",
    async (error) => {
      const { asked, sync } = setUp([error, answer("p1", [], 0)]);
      const options = { timeout: 0, presence: "online" } as const;
      await expect(sync.sync(options, never)).rejects.toBe(error);
      await sync.sync(options, never);
      expect(asked.map(isSliding)).toEqual([true, true]);
    },
  );

  test("is given `/sync` where sliding sync fails again and again, as behind what does not let it through", async () => {
    const away = new ApiError(502, {});
    const whole = { next_batch: "s1", rooms: { join: { "!a:one": {} } } };
    const { asked, sync } = setUp([away, away, away, whole, { next_batch: "s2" }]);
    const options = { timeout: 0, presence: "online" } as const;
    for (let turn = 0; turn < 3; turn += 1) {
      await expect(sync.sync(options, never)).rejects.toBe(away);
    }
    const synced = await sync.sync(options, never);
    expect([synced.begins, synced.all]).toEqual([true, new Set(["!a:one"])]);
    await sync.sync(options, never);
    expect(asked.map(isSliding)).toEqual([true, true, true, false, false]);
  });

  test("is not given it for good while nothing answers at all", async () => {
    const away = new NetworkError("away");
    const { asked, sync } = setUp([away, away, away, away, answer("p1", [], 0)]);
    const options = { timeout: 0, presence: "online" } as const;
    for (let turn = 0; turn < 4; turn += 1) {
      await expect(sync.sync(options, never)).rejects.toBe(away);
    }
    await sync.sync(options, never);
    expect(asked.map(isSliding)).toEqual([true, true, true, false, true]);
  });

  test("is given `/sync` where the first part comes and the next does not, three times", async () => {
    const wrong = new ApiError(400, { errcode: "M_INVALID_PARAM" });
    const first = answer("p1", ids(0, 24), 300);
    const { asked, sync } = setUp([first, wrong, first, wrong, first, wrong, { next_batch: "s1" }]);
    const options = { timeout: 0, presence: "online" } as const;
    for (let turn = 0; turn < 3; turn += 1) {
      const { response } = await sync.sync(options, never);
      const next = sync.sync({ ...options, since: response.next_batch }, never);
      await expect(next).rejects.toMatchObject({ status: 400 });
    }
    await sync.sync(options, never);
    expect(asked.map(isSliding)).toEqual([true, true, true, true, true, true, false]);
  });

  test("asks for the rest where one answer does not hold all rooms", async () => {
    const messages = { to_device: { next_batch: "m2", events: [] } };
    const { asked, follow } = setUp([
      answer("p1", ids(0, 24), 40, { "weft.sync": {} }),
      answer("p2", ids(24, 30), 40, { "weft.sync": {}, ...messages }),
      answer("p3", ids(30, 40), 40, { "weft.sync": { next_batch: "s3" }, ...messages }),
    ]);
    const all = await follow(3);
    expect(all.map(({ isPartial }) => isPartial === true)).toEqual([true, true, false]);
    expect(all.map(({ begins }) => begins === true)).toEqual([false, false, true]);
    expect(all[2]!.all).toEqual(new Set(ids(0, 40)));
    expect(extensionsOf(asked[2]!)["to_device"]).toEqual({ enabled: true });
    expect(asked[2]!.query["timeout"]).toBe(0);
  });

  test("asks again under another name when the connection is lost", async () => {
    const { asked, sync, follow } = setUp([
      answer("p1", [], 0),
      answer("p2", [], 0),
      new ApiError(400, { errcode: "M_UNKNOWN_POS" }),
      answer("q1", [], 0),
    ]);
    const [, last] = await follow(2);
    const options = { timeout: 0, presence: "online" } as const;
    const lost = sync.sync({ ...options, since: last!.response.next_batch }, never);
    await expect(lost).rejects.toMatchObject({ errcode: "M_UNKNOWN_POS" });
    await sync.sync(options, never);
    expect(asked[3]!.body["conn_id"]).not.toBe(asked[2]!.body["conn_id"]);
  });
});

describe("who goes on from a place", () => {
  const options = { timeout: 30_000, presence: "online" } as const;
  const placeOn = (connection: string) =>
    `~${JSON.stringify({ connection, pos: "p1", counts: true })}`;
  const unread = (sent: Synced) => sent.response.rooms!.join!["!r:one"]!.unread_notifications;

  test("still knows that the server counts what is unread", async () => {
    const place = placeOn("counting");
    const room = { membership: "join", timeline: [], notification_count: 0, highlight_count: 0 };
    const { sync, asked } = setUp([
      { pos: "p2", rooms: { "!r:one": room } },
      { pos: "p3", rooms: { "!r:one": room } },
    ]);
    const first = await sync.sync({ ...options, since: place }, never);
    expect(unread(first)).toEqual({ notification_count: 0, highlight_count: 0 });
    const { next_batch: since } = first.response;
    expect(unread(await sync.sync({ ...options, since }, never))).toBeDefined();
    expect(asked.map(({ query }) => query["pos"])).toEqual(["p1", "p2"]);
  });

  test("begins anew where something else answers in its place for long", async () => {
    const place = placeOn("gone");
    const gone = new ApiError(404, {});
    const { sync } = setUp([gone, gone, gone]);
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(sync.sync({ ...options, since: place }, never)).rejects.toBe(gone);
    }
    const third = sync.sync({ ...options, since: place }, never);
    await expect(third).rejects.toMatchObject({ status: 400, errcode: "M_UNKNOWN_POS" });
  });

  test("goes on, whatever fails meanwhile, when it is there again", async () => {
    const place = placeOn("away");
    const away = [new ApiError(503, {}), new ApiError(502, {}), new NetworkError("away")];
    const { sync } = setUp([...away, ...away, answer("p2", [], 0)]);
    for (const error of [...away, ...away]) {
      await expect(sync.sync({ ...options, since: place }, never)).rejects.toBe(error);
    }
    expect((await sync.sync({ ...options, since: place }, never)).isPartial).toBeUndefined();
  });

  test("begins anew beside a page that goes on from there, and takes it up when that is closed", async () => {
    const place = placeOn("c");
    const held = new Set<string>();
    const locks = {
      async request(name: string, _how: object, work: (lock: object | null) => unknown) {
        if (held.has(name)) return void work(null);
        held.add(name);
        await work({ name });
        held.delete(name);
      },
    };
    vi.stubGlobal("navigator", { locks });
    const one = setUp([answer("p2", [], 0), answer("p3", [], 0)]);
    const other = setUp([answer("q1", [], 0), answer("p3", [], 0)]);
    await one.sync.sync({ ...options, since: place }, never);
    const begun = await other.sync.sync({ ...options, since: place }, never);
    expect(begun.isPartial).toBe(true);
    expect(other.asked[0]!.query).toMatchObject({ pos: undefined, timeout: 0 });
    expect(other.asked[0]!.body["conn_id"]).not.toBe("c");
    await one.sync.sync({ ...options, since: place }, never);
    expect(one.asked.map(({ query }) => query["pos"])).toEqual(["p1", "p1"]);
    one.sync.stop();
    await vi.waitFor(() => expect([...held].some((name) => name.endsWith(" c"))).toBe(false));
    await other.sync.sync({ ...options, since: place }, never);
    expect(other.asked[1]!.query["pos"]).toBe("p1");
  });
});

test("all state that the client reads is asked for", () => {
  const files = globSync("src/**/*.ts", { cwd: join(import.meta.dirname, "..", "..") });
  const names = files.flatMap((file) => {
    const source = readFileSync(join(import.meta.dirname, "..", "..", file), "utf8");
    const calls = source.matchAll(/\.(?:stateEvent|stateOf)(?:<[^>]*>)?\(\s*"([^"]+)"/g);
    return [...calls].map(([, type]) => type!);
  });
  const asked = new Set(STATE.map(([type]) => type));
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter((type) => !asked.has(type))).toEqual([]);
  for (const type of OF_ROOMS) expect(STATE).toContainEqual([type, "*"]);
});

test("messages that are not kept stay on the server, and the rooms go on", async () => {
  const messages = { to_device: { next_batch: "m5", events: [{ type: "m.x" }] } };
  const { asked, sync, follow } = setUp([
    answer("p1", [], 0),
    answer("p2", [], 0, { to_device: { next_batch: "m2", events: [] } }),
    answer("p3", [], 0, { "weft.sync": { next_batch: "s3" }, ...messages }),
    answer("p4", [], 0, messages),
  ]);
  const [, , third] = await follow(3);
  expect(third!.response.next_batch).toBe("s3");
  await sync.sync({ since: third!.unkept!, timeout: 0, presence: "online" }, never);
  expect(asked[3]!.query["pos"]).toBe("p3");
  expect(extensionsOf(asked[3]!)["to_device"]).toEqual({ enabled: true, since: "m2" });
});
