import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildEvent } from "../../src/protocol/events/build-event.ts";
import { Rejection } from "../../src/protocol/errors.ts";
import { parsePdu } from "../../src/protocol/events/event.ts";
import { type Json, type JsonObject, parseLoose } from "../../src/protocol/json.ts";
import { ROOM_VERSION_IDS } from "../../src/protocol/room-versions.ts";
import { HASH_ROOM, KEY, createDraft, draft, version } from "./drafts.ts";

describe("a peer's event is rejected", () => {
  const good = (id: string) =>
    JSON.parse(buildEvent(draft(id), version(id), "example.org", KEY).json()) as JsonObject;
  const long = "x".repeat(256);
  const refs = (count: number) => Array.from({ length: count }, (_, n) => `$${n}`);
  const faults: Record<string, JsonObject> = {
    "a type that is no text": { type: 5 },
    "no type": { type: undefined },
    "a type of 256 bytes": { type: long },
    "a state key that is no text": { state_key: 5 },
    "a state key of 256 bytes": { state_key: long },
    "a state key that is null": { state_key: null },
    "a sender that is no user id": { sender: "alice" },
    "a sender of 256 bytes": { sender: `@${"a".repeat(243)}:example.org` },
    "a content that is a list": { content: [] },
    "no content": { content: undefined },
    "no room id": { room_id: undefined },
    "a room id of version 12": { room_id: HASH_ROOM },
    "a depth that is no number": { depth: "1" },
    "a negative depth": { depth: -1 },
    "a time that is no number": { origin_server_ts: "now" },
    "no hashes": { hashes: undefined },
    "hashes without sha256": { hashes: { md5: "x" } },
    "signatures that are a list": { signatures: [] },
    "no prev_events": { prev_events: undefined },
    "21 prev_events": { prev_events: refs(21) },
    "11 auth_events": { auth_events: refs(11) },
    "prev_events in pairs": { prev_events: [["$a:example.org", { sha256: "x" }]] },
    "an auth event that is no event id": { auth_events: ["auth"] },
    "over 65,536 bytes": { content: { body: "x".repeat(65_536) } },
  };
  for (const [name, fault] of Object.entries(faults)) {
    test(`for ${name}`, () => {
      expect(() => parsePdu({ ...good("11"), ...fault }, version("11"))).toThrow(Rejection);
    });
  }

  test("when it is no object", () => {
    for (const value of [null, 5, "x", [], true] as Json[]) {
      expect(() => parsePdu(value, version("11"))).toThrow(Rejection);
    }
  });

  test("for 20 prev_events and 10 auth_events it is not", () => {
    const value = { ...good("11"), prev_events: refs(20), auth_events: refs(10) };
    expect(parsePdu(value, version("11")).prevEventIds).toHaveLength(20);
  });

  test("for a version 12 room id with a server, or a create event with any", () => {
    const value = { ...good("12"), room_id: "!room:example.org" };
    expect(() => parsePdu(value, version("12"))).toThrow(Rejection);
    const create = buildEvent(createDraft(), version("12"), "example.org", KEY);
    const named = { ...create.pdu, room_id: create.roomId };
    expect(() => parsePdu(named, version("12"))).toThrow(Rejection);
  });

  test("for an event id without a server in versions 1 and 2", () => {
    for (const event_id of [undefined, "$x", "$x:", 5, "$x:exa mple"]) {
      expect(() => parsePdu({ ...good("1"), event_id }, version("1"))).toThrow(Rejection);
    }
  });

  test("for forbidden JSON from version 6 on, and tolerated before", () => {
    const texts = [
      (text: string) => text.replace('"depth":2', '"depth":2.0'),
      (text: string) => text.replace('"body":', '"body":"x","body":'),
      (text: string) => text.replace('"n":1', '"n":1e2'),
      (text: string) => text.replace('"n":1', '"n":9007199254740993'),
      (text: string) => text.replace('"n":1', '"n":-0'),
    ];
    for (const id of ROOM_VERSION_IDS) {
      const json = buildEvent(draft(id), version(id), "example.org", KEY).json();
      for (const change of texts) {
        const value = parseLoose(change(json));
        if (Number(id) >= 6) expect(() => parsePdu(value, version(id))).toThrow(Rejection);
        else expect(parsePdu(value, version(id)).depth).toBe(2);
      }
    }
  });

  test("for lone surrogates in every version", () => {
    for (const id of ROOM_VERSION_IDS) {
      const value = parseLoose(JSON.stringify({ ...good(id), content: { body: "\ud800" } }));
      expect(() => parsePdu(value, version(id))).toThrow(Rejection);
    }
  });

  test("and nothing else is ever thrown, whatever comes", () => {
    const keys = fc.constantFrom(...Object.keys(good("11")), "unsigned", "__proto__", "redacts");
    fc.assert(
      fc.property(fc.constantFrom("1", "5", "11", "12"), keys, fc.jsonValue(), (id, key, junk) => {
        const value = parseLoose(JSON.stringify({ ...good(id), [key]: junk }));
        try {
          expect(parsePdu(value, version(id)).version.id).toBe(id);
        } catch (error) {
          expect(error).toBeInstanceOf(Rejection);
        }
      }),
      { numRuns: 500 },
    );
  });
});
