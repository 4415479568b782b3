import type { RoomEvent } from "../../src/protocol/events/event.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { RoomVersion } from "../../src/protocol/room-versions.ts";
import { eventFrom } from "./abridged-event.ts";

/** An event of an authorisation story: see spec/vectors/auth/README.md. */
export interface ToldEvent {
  readonly type: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: JsonObject;
  readonly prev_events?: readonly string[];
  readonly auth_events?: readonly string[];
  readonly room_id?: string;
  readonly event_id?: string;
  readonly redacts?: string;
  readonly omit_creator?: boolean;
}

/** The create event of stories that have none of their own. */
export const CREATE: ToldEvent = {
  type: "m.room.create",
  state_key: "",
  sender: "@founder:alpha",
  content: {},
  prev_events: [],
};

function created(told: ToldEvent, version: RoomVersion): JsonObject {
  const creator =
    version.creatorInContent && told.omit_creator !== true ? { creator: told.sender } : {};
  return { room_version: version.id, ...creator, ...told.content };
}

/** The event in a room version; `eventId` where the story gives none. */
export function toldEvent(told: ToldEvent, version: RoomVersion, eventId: string): RoomEvent {
  const isCreate = told.type === "m.room.create";
  const content = isCreate ? created(told, version) : told.content;
  const inContent = told.redacts !== undefined && version.redactsInContent;
  const event = eventFrom(
    {
      eventId: told.event_id ?? (isCreate ? "$create" : eventId),
      roomId: told.room_id ?? (version.roomIdIsCreateHash ? "!create" : "!room:alpha"),
      type: told.type,
      stateKey: told.state_key,
      sender: told.sender,
      content: inContent ? { ...content, redacts: told.redacts } : content,
      prevEvents: told.prev_events ?? ["$before"],
      authEvents: told.auth_events,
      redacts: inContent ? undefined : told.redacts,
    },
    version,
  );
  // A create event that names a room against its version's rules.
  if (isCreate && told.room_id !== undefined) event.pdu.room_id = told.room_id;
  return event;
}
