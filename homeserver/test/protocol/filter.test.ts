import { describe, expect, test } from "vitest";
import {
  type Filterable,
  matchesEvent,
  matchesRelations,
  parseEventFilter,
  parseFilter,
  pickFields,
} from "../../src/protocol/filter.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { EVENT } from "./filterable.ts";

/** What a filter does, the filter, how the event differs from EVENT, whether it is let through. */
const CASES: [string, JsonObject, Partial<Filterable>, boolean][] = [
  ["everything when it says nothing", {}, {}, true],
  ["a listed type", { types: ["m.room.message"] }, {}, true],
  ["no other type", { types: ["m.room.name"] }, {}, false],
  ["nothing when the list of types is empty", { types: [] }, {}, false],
  ["a type by its beginning", { types: ["m.room.*"] }, {}, true],
  ["a type by its end", { types: ["*.message"] }, {}, true],
  ["a type by its middle", { types: ["m.*.mess*"] }, {}, true],
  ["a type only when all of the pattern fits", { types: ["m.room"] }, {}, false],
  ["types to the letter", { types: ["M.room.message"] }, {}, false],
  ["no type that is left out, though listed", { types: ["*"], not_types: ["m.room.*"] }, {}, false],
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

describe("a filter lets through", () => {
  test.each(CASES)("%s", (_name, json, changes, expected) => {
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
