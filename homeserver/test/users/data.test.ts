import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoomId, UserId } from "../../src/protocol/identifiers.ts";
import { makeRoom } from "../log/support.ts";
import { errcodeOf, id, openUsers, type TestUsers } from "./support.ts";

let t: TestUsers;
let room: RoomId;
const alice = id("alice");
beforeAll(async () => {
  t = await openUsers();
  await t.users.registration.create("alice", "pw");
  await t.users.registration.create("bob", "pw");
  room = (await makeRoom(t.sql, "room")).roomId as RoomId;
});
afterAll(() => t.close());

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

describe("filters", () => {
  test("the same filter has the same id, in whatever order its keys come", async () => {
    const { filters } = t.users;
    const first = await filters.define(alice, { room: { timeline: { limit: 5 } }, presence: {} });
    const second = await filters.define(alice, { presence: {}, room: { timeline: { limit: 5 } } });
    expect(second).toBe(first);
    expect(await filters.get(alice, first)).toEqual({
      presence: {},
      room: { timeline: { limit: 5 } },
    });
    expect((await filters.resolve(alice, first)).room.timeline.limit).toBe(5);
    expect(
      (await filters.resolve(alice, '{"room":{"timeline":{"limit":7}}}')).room.timeline.limit,
    ).toBe(7);
  });

  test("large ones are kept ready as long as they take no more than some megabytes together", async () => {
    const { filters } = t.users;
    const small = await filters.define(alice, { presence: { limit: 3 } });
    const ready = await filters.resolve(alice, small);
    expect(await filters.resolve(alice, small)).toBe(ready);
    for (let count = 0; count < 300; count++) {
      const not_senders = Array.from(
        { length: 1000 },
        (_, user) => `@${"x".repeat(50)}${user}:a${count}`,
      );
      await filters.resolve(alice, await filters.define(alice, { presence: { not_senders } }));
    }
    const again = await filters.resolve(alice, small);
    expect(again).toEqual(ready);
    expect(again).not.toBe(ready);
  });

  test("others' filters, and what is none, are not found or refused", async () => {
    const { filters } = t.users;
    const own = await filters.define(alice, { presence: { limit: 1 } });
    expect(await errcodeOf(filters.get(id("bob"), own))).toBe("M_NOT_FOUND");
    for (const wrong of ["x", "1e3", "9".repeat(30), "-1", "\0"]) {
      expect(await errcodeOf(filters.get(alice, wrong))).toBe("M_NOT_FOUND");
    }
    expect(await errcodeOf(filters.define(alice, { room: 3 }))).toBe("M_BAD_JSON");
    expect(await errcodeOf(filters.resolve(alice, "{"))).toBe("M_INVALID_PARAM");
  });
});

describe("push rules", () => {
  test("a new user has the default rules as account data", async () => {
    const stored = await t.users.accountData.get(alice, undefined, "m.push_rules");
    expect(stored["global"]).toEqual(await t.users.pushRules.get(alice));
  });

  test("a user's rules are put in order, switched and deleted", async () => {
    const { pushRules } = t.users;
    const put = (ruleId: string, place = {}) =>
      pushRules.put(alice, "content", ruleId, { actions: ["notify"], pattern: ruleId }, place);
    await put("one");
    await put("two");
    await put("three", { after: "two" });
    const order = async () => (await pushRules.get(alice)).content.map((rule) => rule.rule_id);
    expect((await order()).slice(0, 3)).toEqual(["two", "three", "one"]);
    await pushRules.setEnabled(alice, "content", "two", false);
    await pushRules.setActions(alice, "override", ".m.rule.suppress_notices", ["notify"]);
    expect(await pushRules.rule(alice, "content", "two")).toMatchObject({ enabled: false });
    expect(await pushRules.rule(alice, "override", ".m.rule.suppress_notices")).toMatchObject({
      actions: ["notify"],
    });
    await pushRules.remove(alice, "content", "two");
    expect((await order()).slice(0, 2)).toEqual(["three", "one"]);
    expect(await errcodeOf(pushRules.remove(alice, "content", "two"))).toBe("M_NOT_FOUND");
    expect(await errcodeOf(put(".mine"))).toBe("M_INVALID_PARAM");
    expect(await errcodeOf(put("x", { before: "none" }))).toBe("M_UNKNOWN");
  });

  test("compiled rules are remembered until they change", async () => {
    const { pushRules } = t.users;
    const both = [alice, id("bob")];
    const first = await pushRules.compiled(both);
    expect([...first.keys()]).toEqual(both);
    expect((await pushRules.compiled(both)).get(alice)).toBe(first.get(alice));
    await pushRules.setEnabled(alice, "override", ".m.rule.master", true);
    const second = await pushRules.compiled(both);
    expect(second.get(alice)).not.toBe(first.get(alice));
    expect(second.get(id("bob"))).toBe(first.get(id("bob")));
  });
});

describe("reports", () => {
  test("are kept with their reason, newest first", async () => {
    const { reports } = t.users;
    await reports.room(alice, room, "smells");
    await reports.user(alice, "@spam:there.test" as UserId, undefined);
    expect(await reports.list(undefined, 10)).toMatchObject([
      { kind: "user", reporter: alice, userId: "@spam:there.test", reason: null },
      { kind: "room", reporter: alice, roomId: room, reason: "smells" },
    ]);
    expect(await errcodeOf(reports.room(alice, room, "x".repeat(9000)))).toBe("M_INVALID_PARAM");
  });
});
