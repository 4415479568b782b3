/** What a room's state says of it, for lists. */
import { isRoomId } from "../../protocol/identifiers.ts";
import { isJsonObject, type Json, type JsonObject } from "../../protocol/json.ts";
import { wellFormed } from "../../protocol/text.ts";
import type { RoomDescription, StaleRoom } from "../../storage/administration/room-stats.ts";

/** UTF-16 code units of a text in a list. */
const MAX_TEXT = 1_000;

/** The PDUs are current state with empty keys; whatever has the wrong shape says nothing. */
export function descriptionOf(state: StaleRoom["state"]): RoomDescription {
  const events = new Map<Json | undefined, JsonObject>();
  for (const text of state) {
    const event = JSON.parse(text) as JsonObject;
    events.set(event.type, event);
  }
  const said = (type: string, key: string) => textIn(contentOf(events.get(type))[key]);
  const create = contentOf(events.get("m.room.create"));
  const replacement = contentOf(events.get("m.room.tombstone")).replacement_room;
  return {
    name: said("m.room.name", "name"),
    topic: said("m.room.topic", "topic"),
    avatar: said("m.room.avatar", "url"),
    canonicalAlias: said("m.room.canonical_alias", "alias"),
    creator: textIn(events.get("m.room.create")?.sender),
    roomType: textIn(create.type),
    federatable: create["m.federate"] !== false,
    encryption: said("m.room.encryption", "algorithm"),
    joinRules: said("m.room.join_rules", "join_rule"),
    guestAccess: said("m.room.guest_access", "guest_access"),
    historyVisibility: said("m.room.history_visibility", "history_visibility"),
    tombstoned: events.has("m.room.tombstone"),
    replacementRoom: isRoomId(replacement) ? replacement : null,
  };
}

function contentOf(event: JsonObject | undefined): JsonObject {
  return isJsonObject(event?.content) ? event.content : {};
}

/** Null for what is no text, or an empty one. */
function textIn(value: Json | undefined): string | null {
  if (typeof value !== "string") return null;
  return wellFormed(value.replaceAll("\0", ""), MAX_TEXT) || null;
}
