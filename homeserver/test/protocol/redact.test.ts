import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Pdu } from "../../src/protocol/events/event.ts";
import { canonicalJson, type JsonObject } from "../../src/protocol/json.ts";
import { redactPdu } from "../../src/protocol/events/redact.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../src/protocol/room-versions.ts";
import { vectors } from "./vectors.ts";

interface Story {
  event: Pdu;
  outcomes: { versions: string[]; redacted: JsonObject }[];
}

const { cases } = vectors<Story>("redaction/stories");

describe("a redaction", () => {
  for (const { name, event, outcomes } of cases) {
    for (const { versions, redacted } of outcomes) {
      test(`${name} (versions ${versions.join(", ")})`, () => {
        for (const id of versions) expect(redactPdu(event, version(id))).toEqual(redacted);
      });
    }
  }

  test("is told for every room version in every story", () => {
    for (const { outcomes } of cases) {
      expect(outcomes.flatMap((outcome) => outcome.versions)).toEqual(ROOM_VERSION_IDS);
    }
  });

  test("done twice leaves what it left the first time, and does not touch the original", () => {
    const events = fc.constantFrom(...cases.map(({ event }) => event));
    fc.assert(
      fc.property(events, fc.constantFrom(...ROOM_VERSION_IDS), (event, id) => {
        const before = canonicalJson(event);
        const once = redactPdu(event, version(id));
        expect(redactPdu(once, version(id))).toEqual(once);
        expect(canonicalJson(event)).toBe(before);
      }),
    );
  });
});

function version(id: string) {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}
