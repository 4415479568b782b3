import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import { levelOf, lockoutOf, PERMISSIONS, withLevels } from "../../src/store/permissions.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { admits } from "../../src/store/server-rules.ts";
import { growthOf, pumped } from "./growth.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:one";

const find = (key: string) =>
  Object.values(PERMISSIONS)
    .flat()
    .find((one) => one.key === key)!;

function room(roomId: string, levels: Content) {
  const store = new RoomStore(ME);
  const make = createEvents();
  const events = [
    make.state("m.room.create", ME, { room_version: "12" }),
    make.member(ME),
    make.member(ANN),
    make.state("m.room.power_levels", ME, levels),
  ];
  store.apply(syncOf(roomId, { state: { events } }), 0);
  return store.room(roomId)!;
}

describe("levels", () => {
  test("fall back to those of all state, of all messages, and to what the protocol says", () => {
    const levels = { state_default: 40, events_default: 10, events: { "m.room.name": 60 } };
    expect(levelOf(levels, find("m.room.name"))).toBe(60);
    expect(levelOf(levels, find("m.room.topic"))).toBe(40);
    expect(levelOf(levels, find("m.reaction"))).toBe(10);
    expect(levelOf({}, find("m.room.topic"))).toBe(50);
    expect(levelOf({ ban: "99" }, find("ban"))).toBe(50);
    expect(levelOf(undefined, find("room"))).toBe(50);
  });

  test("are changed without losing what else the event says", () => {
    const levels = { users: { [ANN]: 50, [ME]: 100 }, events: { "x.y": 5 }, custom: true };
    const next = withLevels(levels, {
      users: new Map([
        [ANN, 0],
        ["@ben:one", 50],
      ]),
      permissions: new Map([
        [find("m.room.topic"), 0],
        [find("ban"), 100],
        [find("room"), 100],
      ]),
    });
    expect(next).toEqual({
      users: { [ME]: 100, "@ben:one": 50 },
      events: { "x.y": 5, "m.room.topic": 0 },
      notifications: { room: 100 },
      ban: 100,
      custom: true,
    });
    expect(levels.users).toEqual({ [ANN]: 50, [ME]: 100 });
  });

  test("that lock one out, or everyone, are known before they are sent", () => {
    const levels = { users: { [ME]: 100, [ANN]: 100 } };
    const old = room("!old:one", levels);
    const change = (users: [string, number][]) =>
      lockoutOf(old, ME, withLevels(levels, { users: new Map(users), permissions: new Map() }));
    expect(change([[ANN, 50]])).toEqual({ falls: false, self: false, everyone: false });
    expect(change([[ME, 50]])).toEqual({ falls: true, self: false, everyone: false });
    expect(change([[ME, 0]])).toEqual({ falls: true, self: true, everyone: false });
    const all = change([
      [ME, 0],
      [ANN, 0],
    ]);
    expect(all).toEqual({ falls: true, self: true, everyone: true });
  });

  test("take nothing from the creators of newer rooms", () => {
    const newer = room("!newer", {});
    const next = withLevels({}, { users: new Map(), permissions: new Map([[find("ban"), 150]]) });
    expect(lockoutOf(newer, ME, next)).toEqual({ falls: false, self: false, everyone: false });
  });
});

describe("rules about servers", () => {
  const rules = { allow: ["*"], deny: ["*.evil.example", "bad?.example"], literals: false };
  test.each([
    ["good.example", true],
    ["good.example:8448", true],
    ["a.evil.example", false],
    ["A.Evil.Example:443", false],
    ["evil.example", true],
    ["bad1.example", false],
    ["bad12.example", true],
    ["192.168.0.1", false],
    ["[::1]:8448", false],
  ])("%s: %s", (server, may) => {
    expect(admits(rules, server)).toBe(may);
  });

  test("let nobody in without a name, and take no longer for hostile patterns", () => {
    expect(admits({ allow: [], deny: [], literals: true }, "a.example")).toBe(false);
    const hostile = (text: string) =>
      admits({ allow: [text], deny: [], literals: true }, "a".repeat(255));
    expect(growthOf(hostile, pumped("", "*a", "b"))).toBeLessThan(4);
  });
});
