import { type EventId, isEventId } from "./identifiers.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { isIndexable } from "./text.ts";

/** What an event says of another by `m.relates_to`. (Client-server API, "Forming relationships between events".) */
export interface Relation {
  /** Such as "m.thread", "m.replace", "m.annotation". */
  readonly relType: string;
  /** The event that it relates to: well-formed, and not known to exist. */
  readonly eventId: EventId;
  /** What an annotation annotates with. */
  readonly key: string | undefined;
}

/**
 * The relation in an event's content; undefined when there is none, or when it names no event by an
 * event id or has no type that an index can hold. Whatever follows a relation asks here.
 */
export function relationIn(content: JsonObject): Relation | undefined {
  const relation = content["m.relates_to"];
  if (!isJsonObject(relation)) return undefined;
  const { event_id: eventId, rel_type: relType, key } = relation;
  if (!isEventId(eventId) || !isIndexable(relType)) return undefined;
  return { relType, eventId, key: typeof key === "string" ? key : undefined };
}
