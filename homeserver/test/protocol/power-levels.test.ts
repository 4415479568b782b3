import { describe, expect, it } from "vitest";
import type { RoomEvent } from "../../src/protocol/events/event.ts";
import { type JsonObject, parseLoose } from "../../src/protocol/json.ts";
import { creatorsOf, parseLevel, PowerLevels } from "../../src/protocol/events/power-levels.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../src/protocol/room-versions.ts";
import { eventFrom } from "./abridged-event.ts";

const FOUNDER = "@founder:alpha";
const OTHER = "@other:alpha";
const GUEST = "@guest:beta";

function create(id: string, content: JsonObject = { creator: FOUNDER }): RoomEvent {
  const event = { roomId: "!room:alpha", type: "m.room.create", sender: FOUNDER, content };
  return eventFrom({ ...event, stateKey: "" }, roomVersion(id)!);
}

function levels(id: string, content?: JsonObject, root = create(id)): PowerLevels {
  const version = roomVersion(id)!;
  if (content === undefined) return PowerLevels.of(undefined, root, version);
  const event = { roomId: root.roomId, type: "m.room.power_levels", sender: FOUNDER, content };
  return PowerLevels.of(eventFrom({ ...event, stateKey: "" }, version), root, version);
}

describe.each(ROOM_VERSION_IDS)("power levels in version %s", (id) => {
  const { privilegedCreators } = roomVersion(id)!;

  it("have defaults for a room without the event", () => {
    const none = levels(id);
    expect(none.userLevel(GUEST)).toBe(0);
    expect(none.userLevel(FOUNDER)).toBe(privilegedCreators ? Infinity : 100);
    expect([none.invite, none.kick, none.ban, none.redact]).toEqual([0, 50, 50, 50]);
    expect(none.required("m.room.topic", true)).toBe(50);
    expect(none.required("m.room.message", false)).toBe(0);
    expect(none.notification("room")).toBe(50);
  });

  it("have the same defaults for what the event leaves out, creators apart", () => {
    const empty = levels(id, {});
    expect(empty.userLevel(FOUNDER)).toBe(privilegedCreators ? Infinity : 0);
    expect([empty.invite, empty.kick, empty.ban, empty.redact]).toEqual([0, 50, 50, 50]);
    expect(empty.required("m.room.topic", true)).toBe(50);
  });

  it("are what the event says", () => {
    const said = levels(id, {
      users: { [OTHER]: 75 },
      users_default: 5,
      events: { "m.room.topic": 20, "m.room.message": 10 },
      events_default: 1,
      state_default: 60,
      invite: 2,
      kick: 3,
      ban: 4,
      redact: 6,
      notifications: { room: 7 },
    });
    expect([said.userLevel(OTHER), said.userLevel(GUEST)]).toEqual([75, 5]);
    expect(said.required("m.room.topic", true)).toBe(20);
    expect(said.required("m.room.message", false)).toBe(10);
    expect(said.required("m.room.name", true)).toBe(60);
    expect(said.required("m.reaction", false)).toBe(1);
    expect([said.invite, said.kick, said.ban, said.redact]).toEqual([2, 3, 4, 6]);
    expect([said.notification("room"), said.notification("other")]).toEqual([7, 50]);
  });

  it("are not fooled by the names of an object's own methods", () => {
    const said = levels(id, { events: {}, users: {}, notifications: {} });
    expect(said.required("constructor", false)).toBe(0);
    expect(said.userLevel("__proto__")).toBe(0);
    expect(said.notification("toString")).toBe(50);
  });

  it("fall back to the defaults where there is no readable number", () => {
    const said = levels(id, { ban: "many", kick: null, users: [], events: { "m.x": {} } });
    expect([said.ban, said.kick, said.userLevel(GUEST), said.required("m.x", true)]).toEqual([
      50, 50, 0, 50,
    ]);
  });
});

function parse(id: string, text: string): number | undefined {
  return parseLevel(parseLoose(text), roomVersion(id)!);
}

describe("a power level's value", () => {
  it("may be a string of digits up to version 9", () => {
    for (const [text, value] of [
      ['"100"', 100],
      ['"000100"', 100],
      ['"+100"', 100],
      ['"-100"', -100],
      ['" 00100 "', 100],
      ['" -100 "', -100],
    ] as const) {
      expect(parse("1", text)).toBe(value);
      expect(parse("9", text)).toBe(value);
      expect(parse("10", text)).toBeUndefined();
    }
  });

  it("may be a float up to version 5, which is cut at the point", () => {
    expect(parse("1", "50.57")).toBe(50);
    expect(parse("5", "5.114698E4")).toBe(51146);
    expect(parse("5", "-0.5")).toBe(0);
    expect(parse("5", "1e400")).toBeUndefined();
    expect(parse("10", "50.57")).toBeUndefined();
  });

  it("may not be anything else", () => {
    for (const text of [
      '""',
      '"1.5"',
      '"1e3"',
      '"- 1"',
      '"1 0"',
      '"0x10"',
      "true",
      "null",
      "[]",
      "{}",
    ]) {
      expect(parse("1", text), text).toBeUndefined();
      expect(parse("12", text), text).toBeUndefined();
    }
  });
});

describe("the creators of a room", () => {
  it("are whom the content names, up to version 10", () => {
    expect(creatorsOf(create("10", { creator: OTHER }))).toEqual([OTHER]);
    expect(creatorsOf(create("10", {}))).toEqual([]);
  });

  it("are the sender in version 11, and the additional creators as well from version 12", () => {
    const content = { creator: GUEST, additional_creators: [OTHER] };
    expect(creatorsOf(create("11", content))).toEqual([FOUNDER]);
    expect(creatorsOf(create("12", content))).toEqual([FOUNDER, OTHER]);
    expect(creatorsOf(undefined)).toEqual([]);
  });

  it("have infinite power in version 12, whatever the event says", () => {
    const root = create("12", { additional_creators: [OTHER] });
    const said = levels("12", { users: { [OTHER]: 0 } }, root);
    expect([said.userLevel(FOUNDER), said.userLevel(OTHER)]).toEqual([Infinity, Infinity]);
  });
});
