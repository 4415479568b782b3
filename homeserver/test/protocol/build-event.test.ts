import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addSignature,
  buildEvent,
  draftPdu,
  type EventDraft,
  signPdu,
} from "../../src/protocol/events/build-event.ts";
import { clientEvent } from "../../src/protocol/events/client-event.ts";
import { eventFromStored, parsePdu, redactEvent } from "../../src/protocol/events/event.ts";
import {
  requiredSigners,
  verifyEventSignature,
  verifyEventSignatureAsync,
} from "../../src/protocol/events/event-signatures.ts";
import { parseLoose } from "../../src/protocol/json.ts";
import { ROOM_VERSION_IDS } from "../../src/protocol/room-versions.ts";
import { KEY, VERIFY_KEY, createDraft, draft, version } from "./drafts.ts";

describe("building events", () => {
  test.each(ROOM_VERSION_IDS)("in version %s gives what a peer accepts", async (id) => {
    const event = buildEvent(draft(id), version(id), "example.org", KEY);
    const received = parsePdu(parseLoose(event.json()), version(id));
    expect(received.eventId).toBe(event.eventId);
    expect(received.json()).toBe(event.json());
    expect(received.contentHashMatches()).toBe(true);
    expect(event.contentHashMatches()).toBe(true);
    expect(requiredSigners(received)).toEqual(["example.org"]);
    expect(verifyEventSignature(received, "example.org", "ed25519:k", VERIFY_KEY)).toBe(true);
    expect(await verifyEventSignatureAsync(received, "example.org", "ed25519:k", VERIFY_KEY)).toBe(
      true,
    );
    const stored = eventFromStored(event.json(), version(id), event.eventId);
    expect(fields(stored)).toEqual(fields(event));
    expect(stored.signedText()).toBe(event.signedText());
  });

  test("gives the same event for any content, read back from its text", () => {
    const contents = fc.dictionary(
      fc.string({ unit: "grapheme" }),
      fc.oneof(fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), fc.boolean()),
    );
    fc.assert(
      fc.property(contents, fc.constantFrom(...ROOM_VERSION_IDS), (content, id) => {
        const event = buildEvent({ ...draft(id), content }, version(id), "example.org", KEY);
        const received = parsePdu(parseLoose(event.json()), version(id));
        expect(received.eventId).toBe(event.eventId);
        expect(received.contentHashMatches()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("of a version 12 create event makes the room's id of the event's", () => {
    const create = buildEvent(createDraft(), version("12"), "example.org", KEY);
    expect(create.pdu.room_id).toBeUndefined();
    expect(create.roomId).toBe(`!${create.eventId.slice(1)}`);
    expect(clientEvent(create).room_id).toBe(create.roomId);
    expect(redactEvent(create).roomId).toBe(create.roomId);
    const stored = eventFromStored(create.json(), version("12"), create.eventId);
    expect(stored.roomId).toBe(create.roomId);
  });

  test("puts the target of a redaction where the version keeps it", () => {
    for (const id of ROOM_VERSION_IDS) {
      const redaction = { ...draft(id), type: "m.room.redaction", content: {}, redacts: "$t" };
      const event = buildEvent(redaction, version(id), "example.org", KEY);
      expect(event.redacts).toBe("$t");
      expect(event.pdu.redacts).toBe(Number(id) < 11 ? "$t" : undefined);
      expect(event.content.redacts).toBe(Number(id) < 11 ? undefined : "$t");
      expect(clientEvent(event)).toMatchObject({ redacts: "$t", content: { redacts: "$t" } });
    }
  });

  test("quotes reference hashes in versions 1 and 2", () => {
    const hashes = new Map([["$p:example.org", "aGFzaA"]]);
    const pdu = draftPdu({ ...draft("1"), referenceHashes: hashes }, version("1"));
    expect(pdu.prev_events).toEqual([["$p:example.org", { sha256: "aGFzaA" }]]);
  });

  test("refuses what is too large with M_TOO_LARGE", () => {
    const large = (size: number) => ({ ...draft("12"), content: { body: "x".repeat(size) } });
    const fits = buildEvent(large(65_000), version("12"), "example.org", KEY).json().length;
    const most = 65_000 + (65_536 - fits);
    expect(buildEvent(large(most), version("12"), "example.org", KEY).json()).toHaveLength(65_536);
    const tooLarge = expect.objectContaining({ errcode: "M_TOO_LARGE", status: 413 });
    const build = (changes: Partial<EventDraft>) => () =>
      buildEvent({ ...draft("12"), ...changes }, version("12"), "example.org", KEY);
    expect(build(large(most + 1))).toThrow(tooLarge);
    expect(build({ type: "x".repeat(256) })).toThrow(tooLarge);
    expect(build({ type: "ü".repeat(128) })).toThrow(tooLarge);
    expect(build({ stateKey: "x".repeat(256) })).toThrow(tooLarge);
  });

  test("refuses content that canonical JSON forbids with M_BAD_JSON", () => {
    const bad = expect.objectContaining({ errcode: "M_BAD_JSON", status: 400 });
    for (const content of [{ a: 1.5 }, { a: "\ud800" }, { a: 2 ** 53 }, { "\udc00": 1 }]) {
      const build = () =>
        buildEvent({ ...draft("12"), content }, version("12"), "example.org", KEY);
      expect(build).toThrow(bad);
    }
  });

  test("signs a peer's template, whatever seals it came with", () => {
    const template = {
      ...draftPdu(draft("10"), version("10")),
      hashes: { sha256: "x" },
      signatures: 7,
      event_id: "$x",
    };
    const event = signPdu(template, version("10"), "example.org", KEY);
    expect(event.eventId).toBe(buildEvent(draft("10"), version("10"), "example.org", KEY).eventId);
    expect(() => signPdu({ type: 7 }, version("10"), "example.org", KEY)).toThrow(
      expect.objectContaining({ errcode: "M_BAD_JSON" }),
    );
  });

  test("a second server's signature does not change the id", () => {
    const event = buildEvent(draft("12"), version("12"), "example.org", KEY);
    const cosigned = addSignature(event, "other.example", KEY);
    expect(cosigned.eventId).toBe(event.eventId);
    expect(parsePdu(parseLoose(cosigned.json()), version("12")).eventId).toBe(event.eventId);
    for (const server of ["example.org", "other.example"]) {
      expect(verifyEventSignature(cosigned, server, "ed25519:k", VERIFY_KEY)).toBe(true);
    }
  });
});

function fields(event: object): object {
  return { ...event };
}
