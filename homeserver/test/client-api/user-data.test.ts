import { listReports } from "../../src/storage/users/reports.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { openApi, type TestApi } from "./support.ts";

let t: TestApi;
let token: string;
let other: string;
let roomId: RoomId;
const ALICE = "@alice:here.test";
const me = (path: string) => `user/${encodeURIComponent(ALICE)}/${path}`;
const get = (path: string, as = token) => t.call("GET", path, undefined, as);
const put = (path: string, body: unknown, as = token) => t.call("PUT", path, body, as);

beforeAll(async () => {
  t = await openApi();
  token = (await t.register("alice")).access_token;
  other = (await t.register("bob")).access_token;
  roomId = await t.rooms.create.room({ userId: ALICE as UserId }, {});
});
afterAll(() => t.close());

describe("profiles", () => {
  const profile = (rest = "") => `profile/${ALICE}${rest}`;

  test("are set by their owner and read by anybody", async () => {
    expect(await put(profile("/displayname"), { displayname: "Alice" })).toMatchObject({
      status: 200,
    });
    expect(await put(profile("/m.tz"), { "m.tz": "Europe/Berlin" })).toMatchObject({ status: 200 });
    expect((await t.call("GET", profile())).body).toEqual({
      displayname: "Alice",
      "m.tz": "Europe/Berlin",
    });
    expect((await t.call("GET", profile("/m.tz"))).body).toEqual({ "m.tz": "Europe/Berlin" });
    expect(await t.call("GET", profile("/avatar_url"))).toMatchObject({ status: 404 });
    await t.call("DELETE", profile("/m.tz"), undefined, token);
    expect((await t.call("GET", profile())).body).toEqual({ displayname: "Alice" });
    expect((await t.call("GET", "profile/@zoe:there.test/displayname")).body).toEqual({
      displayname: "Zoë",
    });
  });

  test.each([
    [profile("/displayname"), { displayname: "X" }, "other", 403, "M_FORBIDDEN"],
    [profile("/displayname"), {}, "own", 400, "M_MISSING_PARAM"],
    [profile("/Wrong Key"), { "Wrong Key": 1 }, "own", 400, "M_INVALID_PARAM"],
    [profile(`/m.${"x".repeat(300)}`), {}, "own", 400, "M_KEY_TOO_LARGE"],
    [profile("/avatar_url"), { avatar_url: 7 }, "own", 400, "M_BAD_JSON"],
    [
      profile("/org.example.a"),
      { "org.example.a": "x".repeat(70_000) },
      "own",
      400,
      "M_PROFILE_TOO_LARGE",
    ],
    ["profile/nobody/displayname", { displayname: "X" }, "own", 400, "M_INVALID_PARAM"],
  ])("PUT %.60s is refused with the right code", async (path, body, who, status, errcode) => {
    const as = who === "own" ? token : other;
    expect(await put(path, body, as)).toMatchObject({ status, body: { errcode } });
  });
});

describe("account data", () => {
  test("global and of a room is stored as it came", async () => {
    const content = { a: [1, 2.5, null], ü: "\u0000" };
    expect(await put(me("account_data/org.example"), content)).toMatchObject({
      status: 200,
      body: {},
    });
    expect((await get(me("account_data/org.example"))).body).toEqual(content);
    const inRoom = me(`rooms/${roomId}/account_data/org.example`);
    expect(await get(inRoom)).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    await put(inRoom, { b: 1 });
    expect((await get(inRoom)).body).toEqual({ b: 1 });
  });

  test.each([
    [me("account_data/m.push_rules"), {}, 405, "M_BAD_JSON"],
    [me("rooms/!x:here.test/account_data/m.fully_read"), {}, 405, "M_BAD_JSON"],
    [me("account_data/x"), [], 400, "M_BAD_JSON"],
    [me("rooms/nonsense/account_data/x"), {}, 400, "M_INVALID_PARAM"],
    ["user/@bob:here.test/account_data/x", {}, 403, "M_FORBIDDEN"],
  ])("PUT %s is refused with the right code", async (path, body, status, errcode) => {
    expect(await put(path, body)).toMatchObject({ status, body: { errcode } });
  });

  test("that others ask for is M_FORBIDDEN", async () => {
    expect(await get(me("account_data/org.example"), other)).toMatchObject({ status: 403 });
  });
});

describe("tags", () => {
  test("have a fraction as their order, and go", async () => {
    const tags = (tag = "") => me(`rooms/${roomId}/tags${tag}`);
    expect((await get(tags())).body).toEqual({ tags: {} });
    await put(tags("/m.favourite"), { order: 0.25 });
    await put(tags("/u.work"), {});
    expect((await get(tags())).body).toEqual({
      tags: { "m.favourite": { order: 0.25 }, "u.work": {} },
    });
    await t.call("DELETE", tags("/u.work"), undefined, token);
    expect((await get(me(`rooms/${roomId}/account_data/m.tag`))).body).toEqual({
      tags: { "m.favourite": { order: 0.25 } },
    });
  });
});

describe("filters", () => {
  test("are stored and given back", async () => {
    const filter = { room: { timeline: { limit: 10 } } };
    const { body } = await t.call("POST", me("filter"), filter, token);
    expect((await get(me(`filter/${body.filter_id}`))).body).toEqual(filter);
    expect(await get(me("filter/99999"))).toMatchObject({ status: 404 });
    expect(await t.call("POST", me("filter"), { room: 1 }, token)).toMatchObject({
      status: 400,
      body: { errcode: "M_BAD_JSON" },
    });
  });
});

describe("push rules", () => {
  test("are read, added, switched, changed and deleted", async () => {
    const all = (await get("pushrules/")).body;
    expect(Object.keys(all.global).sort()).toEqual([
      "content",
      "override",
      "postcontent",
      "room",
      "sender",
      "underride",
    ]);
    expect((await get("pushrules/global/")).body).toEqual(all.global);
    const rule = "pushrules/global/room/!r:here.test";
    expect(await put(rule, { actions: ["dont_notify"] })).toMatchObject({ status: 200 });
    expect((await get(rule)).body).toMatchObject({
      rule_id: "!r:here.test",
      default: false,
      enabled: true,
    });
    await put(`${rule}/enabled`, { enabled: false });
    expect((await get(`${rule}/enabled`)).body).toEqual({ enabled: false });
    await put(`${rule}/actions`, { actions: ["notify"] });
    expect((await get(`${rule}/actions`)).body).toEqual({ actions: ["notify"] });
    expect(await t.call("DELETE", rule, undefined, token)).toMatchObject({ status: 200 });
    expect(await get(rule)).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    expect(await put("pushrules/global/nonsense/x", { actions: [] })).toMatchObject({
      status: 400,
    });
    expect(await put("pushrules/global/override/.own", { actions: [] })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
  });
});

describe("reports", () => {
  const report = (path: string, as = token, body: object = { reason: "rude" }) =>
    t.call("POST", path, body, as);

  test("of rooms and users are taken whether or not these exist", async () => {
    expect(await report("rooms/!nothing:here.test/report")).toMatchObject({
      status: 200,
      body: {},
    });
    expect(await report("users/@nobody:here.test/report")).toMatchObject({ status: 200, body: {} });
    expect(await report("rooms/nonsense/report")).toMatchObject({ status: 400 });
  });

  test("of events are for those who are in the room, and do not tell others of it", async () => {
    const eventId = await t.rooms.send.message({
      by: { userId: ALICE as UserId },
      roomId,
      type: "m.room.message",
      content: { msgtype: "m.text", body: "hm" },
    });
    const path = `rooms/${roomId}/report/${encodeURIComponent(eventId)}`;
    expect(await report(path)).toMatchObject({ status: 200 });
    expect(await report(path, token, {})).toMatchObject({ status: 200 });
    const outsider = await report(path, other);
    const nowhere = await report(`rooms/!none:here.test/report/${eventId}`, other);
    expect(outsider).toMatchObject({ status: 404, body: { errcode: "M_NOT_FOUND" } });
    expect(nowhere.body).toEqual(outsider.body);
    const page = { from: 0, limit: 1, oldestFirst: false };
    expect((await listReports(t.sql, page)).reports).toMatchObject([
      { kind: "event", eventId, roomId, sender: ALICE },
    ]);
  });
});
