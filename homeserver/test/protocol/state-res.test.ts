import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RoomEvent } from "../../src/protocol/events/event.ts";
import type { EventId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { type RoomVersion, roomVersion } from "../../src/protocol/room-versions.ts";
import { type StateMap, stateTuple } from "../../src/protocol/state-map.ts";
import { resolveStateMaps } from "../../src/protocol/state-res/index.ts";
import { eventFrom } from "./abridged-event.ts";

interface StoryEvent {
  readonly event_id: string;
  readonly type: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly prev_events: readonly string[];
  readonly auth_events: readonly string[];
  readonly depth: number;
  readonly origin_server_ts: number;
}

interface Story {
  readonly comment: string;
  readonly events: readonly StoryEvent[];
  readonly state_sets: readonly (readonly EventId[])[];
  readonly outcomes: readonly { versions: readonly string[]; resolved: readonly EventId[] }[];
}

const folder = new URL("../../../spec/vectors/state-res/", import.meta.url);
const stories = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => ({
    name: name.replace(".json", ""),
    story: JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Story,
  }));

function storyEvent(told: StoryEvent, version: RoomVersion): RoomEvent {
  const isCreate = told.type === "m.room.create";
  const creator = version.creatorInContent ? { creator: told.sender } : {};
  const added = isCreate ? { room_version: version.id, ...creator } : {};
  return eventFrom(
    {
      eventId: told.event_id,
      roomId: version.roomIdIsCreateHash ? "!create" : "!room:alpha",
      type: told.type,
      stateKey: told.state_key,
      sender: told.sender,
      content: { ...told.content, ...added },
      prevEvents: told.prev_events,
      authEvents: told.auth_events.filter((id) => version.createInAuthEvents || id !== "$create"),
      depth: told.depth,
      originServerTs: told.origin_server_ts,
    },
    version,
  );
}

function shuffled<T>(items: readonly T[], turn: number): T[] {
  return items.map((_, at) => items[(at + turn) % items.length]!).toReversed();
}

describe("state resolution", () => {
  for (const { name, story } of stories) {
    for (const { versions, resolved } of story.outcomes) {
      it.each(versions)(`${name} comes out as told in version %s`, (id) => {
        const version = roomVersion(id)!;
        const events = new Map(
          story.events.map((told) => [told.event_id as EventId, storyEvent(told, version)]),
        );
        const tupleOf = (eventId: EventId): string => {
          const event = events.get(eventId)!;
          return stateTuple(event.type, event.stateKey!);
        };
        const sets = story.state_sets.map(
          (ids): StateMap => new Map(ids.map((eventId) => [tupleOf(eventId), eventId])),
        );
        const expected = new Map(resolved.map((eventId) => [tupleOf(eventId), eventId]));
        for (let turn = 0; turn < sets.length; turn++) {
          const outcome = resolveStateMaps(version, shuffled(sets, turn), (eventId) =>
            events.get(eventId),
          );
          expect(new Map(outcome)).toEqual(expected);
        }
      });
    }
  }
});
