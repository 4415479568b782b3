import { describe, expect, it } from "vitest";
import { checkAuthEvents } from "../../src/protocol/auth/index.ts";
import { rejectionOf } from "../../src/protocol/errors.ts";
import { roomVersion } from "../../src/protocol/room-versions.ts";
import { type ToldEvent, toldEvent } from "./event-of-vector.ts";
import { vectors } from "./vectors.ts";

interface Reference extends ToldEvent {
  readonly event_id: string;
  readonly rejected?: boolean;
  readonly unknown?: boolean;
}

interface Story {
  readonly name: string;
  readonly auth_events: readonly Reference[];
  readonly event: ToldEvent;
  readonly allowed?: readonly string[];
  readonly refused?: readonly string[];
}

function judge({ auth_events: references, event }: Story, id: string): string | undefined {
  const version = roomVersion(id)!;
  const ids = references.map((reference) => reference.event_id);
  const known = references.filter((reference) => reference.unknown !== true);
  const rejected = references.filter((one) => one.rejected === true).map((one) => one.event_id);
  return rejectionOf(() =>
    checkAuthEvents(
      toldEvent({ ...event, auth_events: ids }, version, "$event"),
      known.map((reference) => toldEvent(reference, version, reference.event_id)),
      (eventId) => rejected.includes(eventId),
    ),
  );
}

describe("an event with these auth events", () => {
  it.each(vectors<Story>("auth/references/stories").cases)("$name", (story) => {
    for (const id of story.allowed ?? []) {
      expect(judge(story, id), `version ${id}`).toBeUndefined();
    }
    for (const id of story.refused ?? []) {
      expect(judge(story, id), `version ${id}`).toBeTypeOf("string");
    }
  });
});
