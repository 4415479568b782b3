/**
 * Stripped state: what users see of a room before they are in it (client-server API, "Stripped
 * state").
 */
import type { JsonObject } from "../../protocol/json.ts";

/** The most useful types come first: when there is too much, the last ones are dropped. */
export const STRIPPED_TYPES = [
  "m.room.create",
  "m.room.name",
  "m.room.canonical_alias",
  "m.room.join_rules",
  "m.room.encryption",
  "m.room.avatar",
  "m.room.topic",
] as const;

/** Limits for one event, and for all stripped state of a room, in UTF-16 code units of JSON. */
const MAX_EVENT = 65_536;
const MAX_ALL = 256 * 1024;

/** The first ones that fit; `most` in UTF-16 code units of JSON. */
export function withinLimits(events: readonly JsonObject[], max = MAX_ALL): JsonObject[] {
  let left = max;
  return events.filter((event) => {
    const { length } = JSON.stringify(event);
    if (length > MAX_EVENT || length > left) return false;
    left -= length;
    return true;
  });
}
