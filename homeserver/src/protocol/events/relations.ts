import type { RoomEvent } from "./event.ts";
import { type EventId, isEventId } from "../identifiers.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { isIndexable } from "../text.ts";

/**
 * What an event says of another by `m.relates_to`. (Client-server API, "Forming relationships
 * between events".)
 */
export interface Relation {
  /** Such as "m.thread", "m.replace", "m.annotation". */
  readonly relType: string;
  /** The event that it relates to: well-formed, and not known to exist. */
  readonly eventId: EventId;
  /** What an annotation annotates with. */
  readonly key: string | undefined;
}

/**
 * The relation in an event's content; undefined when there is none, when it names no valid event
 * id, or when its type is too long for an index. All code that follows relations uses this.
 */
export function relationIn(content: JsonObject): Relation | undefined {
  const relation = content["m.relates_to"];
  if (!isJsonObject(relation)) return undefined;
  const { event_id: eventId, rel_type: relType, key } = relation;
  if (!isEventId(eventId) || !isIndexable(relType)) return undefined;
  return { relType, eventId, key: typeof key === "string" ? key : undefined };
}

/**
 * Whether an event replaces another: both of one room, sender and type, neither of them state, the
 * original no replacement itself, and new content given (within the ciphertext, where there is
 * one). Whatever shows, finds or tells of edits asks here. (Client-server API, "Validity of
 * replacement events".)
 */
export function isReplacement(original: RoomEvent, edit: RoomEvent): boolean {
  const relation = relationIn(edit.content);
  return (
    relation?.relType === "m.replace" &&
    relation.eventId === original.eventId &&
    edit.roomId === original.roomId &&
    edit.sender === original.sender &&
    edit.type === original.type &&
    edit.stateKey === undefined &&
    mayBeReplaced(original) &&
    (edit.type === "m.room.encrypted" || isJsonObject(edit.content["m.new_content"]))
  );
}

/** State events and replacements cannot be replaced. */
export function mayBeReplaced(original: RoomEvent): boolean {
  return original.stateKey === undefined && relationIn(original.content)?.relType !== "m.replace";
}

/** The fields that order replacements. */
export interface Dated {
  readonly originServerTs: number;
  readonly eventId: string;
}

/**
 * Negative when the first replacement is the more recent one. ("Server-side aggregation of
 * m.replace relationships".)
 */
export function compareReplacements(one: Dated, other: Dated): number {
  if (one.originServerTs !== other.originServerTs) return other.originServerTs - one.originServerTs;
  return one.eventId < other.eventId ? 1 : one.eventId > other.eventId ? -1 : 0;
}

/**
 * Whether a thread may begin with an event: it is no other's child. (Client-server API,
 * "Threading".)
 */
export function mayBeThreadRoot({ content }: RoomEvent): boolean {
  const relation = content["m.relates_to"];
  return !isJsonObject(relation) || relation.rel_type === undefined;
}
