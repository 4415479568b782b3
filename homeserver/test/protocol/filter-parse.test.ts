import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MatrixError } from "../../src/protocol/errors.ts";
import {
  ADMIT_ALL,
  matchesEvent,
  matchesRoom,
  MAX_FILTER_LIMIT,
  parseEventFilter,
  parseFilter,
} from "../../src/protocol/filter.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { EVENT } from "./filterable.ts";

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
