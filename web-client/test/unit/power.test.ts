import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import {
  canAct,
  canRedact,
  canSend,
  CREATOR_POWER,
  joinRule,
  powerFor,
  powerOf,
} from "../../src/store/power.ts";
import { Room } from "../../src/store/room.ts";
import { createEvents } from "./events.ts";

const ANN = "@ann:two";
const BEN = "@ben:two";

function roomWith(levels: Content | undefined, roomId = "!old:one", create: Content = {}) {
  const room = new Room(roomId);
  const make = createEvents();
  room.setState({ ...make.state("m.room.create", ANN, create), state_key: "" });
  if (levels !== undefined) {
    room.setState({ ...make.state("m.room.power_levels", ANN, levels), state_key: "" });
  }
  return room;
}

describe("power", () => {
  test("is the user's own level, else the room's default, else none", () => {
    const room = roomWith({ users: { [ANN]: 100 }, users_default: 5 });
    expect([powerOf(room, ANN), powerOf(room, BEN)]).toEqual([100, 5]);
    expect(powerOf(roomWith({ users: { [ANN]: 100 } }), BEN)).toBe(0);
  });

  test("is the creator's alone while there are no levels", () => {
    const room = roomWith(undefined);
    expect([powerOf(room, ANN), powerOf(room, BEN)]).toEqual([100, 0]);
  });

  test("of a creator is above all levels where room ids name no server, of further creators too", () => {
    const room = roomWith({ users: { [BEN]: 9e9 } }, "!new", {
      additional_creators: ["@c:two", 7],
    });
    expect([ANN, "@c:two", BEN].map((userId) => powerOf(room, userId))).toEqual([
      CREATOR_POWER,
      CREATOR_POWER,
      9e9,
    ]);
    const old = roomWith({ users: {} }, "!old:one", { additional_creators: ["@c:two"] });
    expect([powerOf(old, ANN), powerOf(old, "@c:two")]).toEqual([0, 0]);
  });

  test("of the wrong shape counts as not given", () => {
    const room = roomWith({ users: { [ANN]: "100" }, users_default: null, kick: [], events: "x" });
    expect(powerOf(room, ANN)).toBe(0);
    expect(powerFor(room, "kick")).toBe(50);
    expect(canSend(room, ANN, "m.room.message")).toBe(true);
  });

  test("in a room of which nothing is known is none", () => {
    expect(powerOf(new Room("!r:one"), ANN)).toBe(0);
  });
});

test("what an action needs is in the levels, else 50, and nothing for inviting", () => {
  const room = roomWith({ invite: 30, ban: 0 });
  expect(powerFor(room, "invite")).toBe(30);
  expect(powerFor(room, "ban")).toBe(0);
  expect(powerFor(room, "kick")).toBe(50);
  expect(powerFor(roomWith(undefined), "invite")).toBe(0);
});

describe("sending", () => {
  const levels = {
    users: { [ANN]: 50, [BEN]: 10 },
    events: { "m.room.name": 60, "m.room.message": 20 },
    events_default: 10,
    state_default: 50,
  };
  const room = roomWith(levels);

  test.each([
    [ANN, "m.room.message", false, true],
    [BEN, "m.room.message", false, false],
    [BEN, "m.sticker", false, true],
    [ANN, "m.room.topic", true, true],
    [BEN, "m.room.topic", true, false],
    [ANN, "m.room.name", true, false],
  ])("by %s of %s (state: %s): %s", (userId, type, isState, expected) => {
    expect(canSend(room, userId, type, isState)).toBe(expected);
  });

  test("without levels anyone may, also state; with levels that say nothing of it, 50 is needed", () => {
    expect(canSend(roomWith(undefined), BEN, "m.room.topic", true)).toBe(true);
    expect(canSend(roomWith({}), BEN, "m.room.topic", true)).toBe(false);
    expect(canSend(roomWith({}), BEN, "m.room.message")).toBe(true);
  });
});

test("one acts only on those below oneself, with the level that it needs", () => {
  const room = roomWith({ users: { [ANN]: 60, [BEN]: 60, "@c:two": 40 }, kick: 60, ban: 70 });
  expect(canAct(room, "kick", ANN, "@c:two")).toBe(true);
  expect(canAct(room, "kick", ANN, BEN)).toBe(false);
  expect(canAct(room, "ban", ANN, "@c:two")).toBe(false);
  expect(canAct(room, "kick", "@c:two", "@d:two")).toBe(false);
});

test("one's own words can be taken back by who may send that, others' by who has the level for it", () => {
  const room = roomWith({ users: { [ANN]: 50 }, events: { "m.room.redaction": 10 } });
  expect(canRedact(room, ANN, BEN)).toBe(true);
  expect(canRedact(room, BEN, ANN)).toBe(false);
  expect(canRedact(room, BEN, BEN)).toBe(false);
  expect(canRedact(roomWith({}), BEN, BEN)).toBe(true);
});

test("a room that says nothing of its door is open to the invited", () => {
  const room = roomWith(undefined);
  expect(joinRule(room)).toBe("invite");
  const rules = createEvents().state("m.room.join_rules", ANN, { join_rule: "public" });
  room.setState({ ...rules, state_key: "" });
  expect(joinRule(room)).toBe("public");
});
