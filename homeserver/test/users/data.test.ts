import { listReports } from "../../src/storage/users/reports.ts";
import { describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { errcodeOf, id } from "./support.ts";
import { alice, room, t } from "./one-user.ts";

describe("profiles", () => {
  test("a name and an avatar are set, told of, and removed", async () => {
    t.told.length = 0;
    await t.users.profiles.set(alice, "displayname", "Alice");
    await t.users.profiles.set(alice, "avatar_url", "mxc://here.test/abc");
    await t.users.profiles.set(alice, "displayname", "Alice");
    const profile = { displayname: "Alice", avatar_url: "mxc://here.test/abc" };
    expect(await t.users.profiles.get(alice)).toEqual(profile);
    await t.users.profiles.set(alice, "avatar_url", undefined);
    expect(await t.users.profiles.local(alice)).toEqual({ displayname: "Alice" });
    expect(t.told).toEqual(Array(3).fill(`profile ${alice}`));
  });

  test("other fields hold any JSON and do not go to rooms", async () => {
    t.told.length = 0;
    await t.users.profiles.set(alice, "m.tz", "Europe/Berlin");
    await t.users.profiles.set(alice, "org.example.job", { title: ["x", 1.5, null] });
    expect(await t.users.profiles.query(alice, "org.example.job")).toEqual({
      "org.example.job": { title: ["x", 1.5, null] },
    });
    expect(await errcodeOf(t.users.profiles.query(alice, "org.example.none"))).toBe("M_NOT_FOUND");
    expect(t.told).toEqual([]);
  });

  test.each([
    ["Displayname", "x", "M_INVALID_PARAM"],
    ["nodots", "x", "M_INVALID_PARAM"],
    [`m.${"x".repeat(300)}`, "x", "M_KEY_TOO_LARGE"],
    ["displayname", 7, "M_INVALID_PARAM"],
    ["displayname", "a\0b", "M_INVALID_PARAM"],
    ["avatar_url", { url: "mxc://here.test/x" }, "M_INVALID_PARAM"],
    ["org.example.big", "x".repeat(65_536), "M_PROFILE_TOO_LARGE"],
  ])("%.20s is refused with the right code", async (key, value, errcode) => {
    expect(await errcodeOf(t.users.profiles.set(alice, key, value))).toBe(errcode);
  });

  test("other servers' users are asked for there; unknown ones of ours are not found", async () => {
    const zoe = "@zoe:there.test" as UserId;
    expect(await t.users.profiles.query(zoe, "displayname")).toEqual({ displayname: "Zoë" });
    expect(await errcodeOf(t.users.profiles.query(id("nobody")))).toBe("M_NOT_FOUND");
    expect(await t.users.profiles.query(id("bob"))).toEqual({});
  });
});

describe("account data", () => {
  test("is kept globally and for rooms, and told through the log", async () => {
    const heard: unknown[] = [];
    const stop = t.log.follow({
      phase: "readers",
      kinds: ["account_data"],
      take: (records) => heard.push(...records),
    });
    await t.users.accountData.set(alice, undefined, "org.example", { a: 0.5 });
    await t.users.accountData.set(alice, room, "org.example", { b: "\0" });
    stop();
    expect(await t.users.accountData.get(alice, undefined, "org.example")).toEqual({ a: 0.5 });
    expect(await t.users.accountData.get(alice, room, "org.example")).toEqual({ b: "\0" });
    expect(heard).toMatchObject([
      { kind: "account_data", userId: alice, roomNid: null, type: "org.example" },
      { kind: "account_data", userId: alice, type: "org.example" },
    ]);
  });

  test("of types that the server manages, or of unknown rooms, is refused", async () => {
    const set = (type: string, roomId?: RoomId) => t.users.accountData.set(alice, roomId, type, {});
    await expect(set("m.push_rules")).rejects.toMatchObject({ status: 405, errcode: "M_BAD_JSON" });
    await expect(set("m.fully_read", room)).rejects.toMatchObject({ status: 405 });
    expect(await errcodeOf(set("x", "!none:here.test" as RoomId))).toBe("M_INVALID_PARAM");
    expect(await errcodeOf(set("x".repeat(256)))).toBe("M_INVALID_PARAM");
    expect(await errcodeOf(t.users.accountData.get(alice, room, "none"))).toBe("M_NOT_FOUND");
  });

  test("ignored users are known, and forgotten when the list changes", async () => {
    expect([...(await t.users.ignores.of(alice))]).toEqual([]);
    const list = { ignored_users: { "@spam:there.test": {}, [alice]: {} } };
    await t.users.accountData.set(alice, undefined, "m.ignored_user_list", list);
    expect([...(await t.users.ignores.of(alice))]).toEqual(["@spam:there.test"]);
    await t.users.accountData.set(alice, undefined, "m.ignored_user_list", { ignored_users: 3 });
    expect([...(await t.users.ignores.of(alice))]).toEqual([]);
  });
});

describe("tags", () => {
  test("set at the same time are all kept", async () => {
    const { tags } = t.users;
    await Promise.all(
      [0, 1, 2, 3].map((n) => tags.set(alice, room, `u.tag${n}`, { order: n / 4 })),
    );
    await tags.remove(alice, room, "u.tag0");
    await tags.remove(alice, room, "u.none");
    expect(await tags.list(alice, room)).toEqual({
      "u.tag1": { order: 0.25 },
      "u.tag2": { order: 0.5 },
      "u.tag3": { order: 0.75 },
    });
    expect(await errcodeOf(tags.set(alice, room, "u.x", { order: 2 }))).toBe("M_BAD_JSON");
    await tags.set(alice, room, "u.x", { order: null, colour: null });
    expect((await tags.list(alice, room))["u.x"]).toEqual({ colour: null });
    expect(await errcodeOf(tags.set(alice, room, "x".repeat(256), {}))).toBe("M_INVALID_PARAM");
  });
});

describe("reports", () => {
  test("are kept with their reason, newest first", async () => {
    const { reports } = t.users;
    await reports.room(alice, room, "smells");
    await reports.user(alice, "@spam:there.test" as UserId, undefined);
    const page = { from: 0, limit: 10, oldestFirst: false };
    expect((await listReports(t.sql, page)).reports).toMatchObject([
      { kind: "user", reporter: alice, userId: "@spam:there.test", reason: null },
      { kind: "room", reporter: alice, roomId: room, reason: "smells" },
    ]);
    expect(await errcodeOf(reports.room(alice, room, "x".repeat(9000)))).toBe("M_INVALID_PARAM");
  });
});
