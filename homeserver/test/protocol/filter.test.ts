import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MatrixError } from "../../src/protocol/errors.ts";
import {
  ADMIT_ALL,
  type Filterable,
  matchesEvent,
  matchesRelations,
  matchesRoom,
  MAX_FILTER_LIMIT,
  parseEventFilter,
  parseFilter,
  pickFields,
} from "../../src/protocol/filter.ts";
import type { JsonObject } from "../../src/protocol/json.ts";

const EVENT: Filterable = {
  type: "m.room.message",
  sender: "@alice:example.org",
  roomId: "!room:example.org",
  content: { body: "hi" },
};

describe("a filter lets through", () => {
  const cases: [string, JsonObject, Partial<Filterable>, boolean][] = [
    ["everything when it says nothing", {}, {}, true],
    ["a listed type", { types: ["m.room.message"] }, {}, true],
    ["no other type", { types: ["m.room.name"] }, {}, false],
    ["nothing when the list of types is empty", { types: [] }, {}, false],
    ["a type by its beginning", { types: ["m.room.*"] }, {}, true],
    ["a type by its end", { types: ["*.message"] }, {}, true],
    ["a type by its middle", { types: ["m.*.mess*"] }, {}, true],
    ["a type only when all of the pattern fits", { types: ["m.room"] }, {}, false],
    ["types to the letter", { types: ["M.room.message"] }, {}, false],
    [
      "no type that is left out, though listed",
      { types: ["*"], not_types: ["m.room.*"] },
      {},
      false,
    ],
    ["other types than one left out", { not_types: ["m.room.name"] }, {}, true],
    ["a listed sender", { senders: ["@alice:example.org"] }, {}, true],
    ["no other sender", { senders: ["@bob:example.org"] }, {}, false],
    [
      "no sender that is left out, though listed",
      { senders: ["@alice:example.org"], not_senders: ["@alice:example.org"] },
      {},
      false,
    ],
    [
      "what has no sender, unless senders are listed",
      { not_senders: ["@alice:example.org"] },
      { sender: undefined },
      true,
    ],
    [
      "nothing without a sender when senders are listed",
      { senders: ["@alice:example.org"] },
      { sender: undefined },
      false,
    ],
    ["a listed room", { rooms: ["!room:example.org"] }, {}, true],
    ["no other room", { rooms: ["!other:example.org"] }, {}, false],
    ["no room when the list of rooms is empty", { rooms: [] }, {}, false],
    [
      "no room that is left out, though listed",
      { rooms: ["!room:example.org"], not_rooms: ["!room:example.org"] },
      {},
      false,
    ],
    [
      "what is in no room, whatever rooms are listed",
      { rooms: ["!other:example.org"] },
      { roomId: undefined },
      true,
    ],
    ["events with a url alone", { contains_url: true }, {}, false],
    ["an event with a url", { contains_url: true }, { content: { url: "mxc://a/b" } }, true],
    ["no event with a url", { contains_url: false }, { content: { url: "mxc://a/b" } }, false],
    ["an event without one", { contains_url: false }, {}, true],
  ];
  test.each(cases)("%s", (_name, json, changes, expected) => {
    expect(matchesEvent(parseEventFilter(json), { ...EVENT, ...changes })).toBe(expected);
  });

  test("events whose children fit relation and sender both, where they are asked for", () => {
    const children = [
      { relType: "m.thread", sender: "@alice:example.org" },
      { relType: "m.replace", sender: "@bob:example.org" },
    ];
    const fits = (json: JsonObject) => matchesRelations(parseEventFilter(json), children);
    expect(fits({})).toBe(true);
    expect(fits({ related_by_rel_types: ["m.thread"] })).toBe(true);
    expect(fits({ related_by_rel_types: ["m.annotation"] })).toBe(false);
    expect(fits({ related_by_senders: ["@bob:example.org"] })).toBe(true);
    expect(
      fits({ related_by_rel_types: ["m.thread"], related_by_senders: ["@bob:example.org"] }),
    ).toBe(false);
  });
});

describe("a whole filter", () => {
  test("has defaults for all that it does not say", () => {
    const filter = parseFilter({});
    expect(filter.eventFormat).toBe("client");
    expect(filter.eventFields).toBeUndefined();
    expect(filter.room.includeLeave).toBe(false);
    for (const part of [
      filter.presence,
      filter.accountData,
      filter.room.timeline,
      filter.room.state,
    ]) {
      expect(part).toBe(ADMIT_ALL);
      expect(part.admitsAll).toBe(true);
      expect(part.limit).toBeUndefined();
    }
  });

  test("is read in all its parts", () => {
    const filter = parseFilter({
      event_format: "federation",
      event_fields: ["content.body", "type"],
      presence: { not_senders: ["@alice:example.org"] },
      account_data: { types: ["m.direct"] },
      room: {
        rooms: ["!a:b"],
        not_rooms: ["!c:d"],
        include_leave: true,
        timeline: { limit: 7, lazy_load_members: true, unread_thread_notifications: true },
        state: { lazy_load_members: true, include_redundant_members: true },
        ephemeral: { not_types: ["m.typing"] },
        account_data: { limit: 100_000 },
      },
      "org.example.unknown": 1,
    });
    expect(filter.eventFormat).toBe("federation");
    expect(matchesRoom(filter.room, "!a:b")).toBe(true);
    expect(matchesRoom(filter.room, "!c:d")).toBe(false);
    expect(matchesRoom(filter.room, "!e:f")).toBe(false);
    expect(filter.room.includeLeave).toBe(true);
    expect(filter.room.timeline).toMatchObject({
      limit: 7,
      lazyLoadMembers: true,
      unreadThreadNotifications: true,
      admitsAll: true,
    });
    expect(filter.room.state.includeRedundantMembers).toBe(true);
    expect(matchesEvent(filter.room.ephemeral, { type: "m.typing" })).toBe(false);
    expect(matchesEvent(filter.accountData, { type: "m.direct" })).toBe(true);
    expect(
      matchesEvent(filter.presence, { type: "m.presence", sender: "@alice:example.org" }),
    ).toBe(false);
    expect(filter.room.accountData.limit).toBe(MAX_FILTER_LIMIT);
  });

  const wrong: JsonObject[] = [
    { room: [] },
    { room: 5 },
    { presence: "x" },
    { event_format: "xml" },
    { event_fields: "content" },
    { event_fields: [5] },
    { account_data: { types: "m.direct" } },
    { account_data: { types: [null] } },
    { room: { rooms: ["#alias:example.org"] } },
    { room: { include_leave: "yes" } },
    { room: { timeline: { limit: -1 } } },
    { room: { timeline: { limit: 1.5 } } },
    { room: { timeline: { limit: "10" } } },
    { room: { timeline: { senders: ["alice"] } } },
    { room: { timeline: { contains_url: 1 } } },
    { room: { state: { lazy_load_members: "true" } } },
  ];
  test.each(wrong.map((json) => [JSON.stringify(json), json]))(
    "%s is M_BAD_JSON",
    (_name, json) => {
      expect(() => parseFilter(json)).toThrow(
        expect.objectContaining({ errcode: "M_BAD_JSON", status: 400 }),
      );
    },
  );

  test("of any shape is read or refused, no more", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (room, part) => {
        for (const json of [room, { room }, { room: { timeline: part } }, { presence: part }]) {
          try {
            parseFilter(json);
          } catch (error) {
            expect(error).toBeInstanceOf(MatrixError);
          }
        }
      }),
    );
  });
});

describe("event fields", () => {
  const event = {
    type: "m.room.message",
    sender: "@a:b",
    content: { body: "x", "m.x": { y: 1, z: 2 } },
  };
  const pick = (...event_fields: string[]) => pickFields(parseFilter({ event_fields }), event);

  test("that are not asked for are left out", () => {
    expect(pickFields(parseFilter({}), event)).toBe(event);
    expect(pick("type", "content.body")).toEqual({ type: event.type, content: { body: "x" } });
    expect(pick("content.m\\.x.y", "content.body")).toEqual({
      content: { body: "x", "m.x": { y: 1 } },
    });
    expect(pick("content", "content.body")).toEqual({ content: event.content });
    expect(pick("content.body", "content")).toEqual({ content: event.content });
    expect(pick("content.absent", "toString", "type.x")).toEqual({});
    expect(pick()).toEqual({});
  });

  test("do not change the event that they are taken from", () => {
    const before = structuredClone(event);
    pick("content", "content.m\\.x.y", "content.body");
    expect(event).toEqual(before);
  });
});

describe("bounds", () => {
  const many = (count: number, text = "x") =>
    Array.from({ length: count }, (_, i) => `${text}${i}`);

  test.each(["types", "not_types", "related_by_rel_types"])("%s has at most 100 entries", (key) => {
    expect(() => parseEventFilter({ [key]: many(100) })).not.toThrow();
    expect(() => parseEventFilter({ [key]: many(101) })).toThrow(MatrixError);
    expect(() => parseEventFilter({ [key]: ["x".repeat(255)] })).not.toThrow();
    expect(() => parseEventFilter({ [key]: ["x".repeat(256)] })).toThrow(MatrixError);
  });

  test("lists of users and rooms, which are looked up, have at most 1000", () => {
    expect(() => parseEventFilter({ senders: many(1000, "@x") })).not.toThrow();
    expect(() => parseEventFilter({ senders: many(1001, "@x") })).toThrow(MatrixError);
    expect(() => parseFilter({ room: { not_rooms: many(1001, "!x") } })).toThrow(MatrixError);
    expect(() => parseFilter({ event_fields: many(101) })).toThrow(MatrixError);
  });

  test("a type is tried once against the patterns, however many events have it", () => {
    const filter = parseEventFilter({ not_types: many(100, "*a*b*") });
    let tried = 0;
    const counting = {
      ...filter,
      notTypes: filter.notTypes.map((pattern) => ({
        ...pattern,
        matches: (text: string) => (tried++, pattern.matches(text)),
      })),
    };
    for (let i = 0; i < 500; i++) matchesEvent(counting, { ...EVENT, type: `m.${i % 5}` });
    expect(tried).toBe(500);
  });

  test("what is remembered of types is bounded", () => {
    const filter = parseEventFilter({ not_types: ["a"] });
    for (let i = 0; i < 5000; i++) matchesEvent(filter, { ...EVENT, type: `m.${i}` });
    expect(filter.verdicts.size).toBeLessThanOrEqual(1000);
  });
});
