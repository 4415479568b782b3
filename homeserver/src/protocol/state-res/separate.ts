import type { EventId } from "../identifiers.ts";
import type { RoomVersion } from "../room-versions.ts";
import type { StateMap } from "../state-map.ts";

/** State sets taken apart: what all agree on, and what they do not. */
export interface Separated {
  readonly unconflicted: Map<string, EventId>;
  /** State tuple → the different events that the sets have there, at least one. */
  readonly conflicted: Map<string, EventId[]>;
}

/**
 * Takes state sets apart. A tuple that only some sets have is conflicted, except in room version 1,
 * where only different events are a conflict. (Room versions 1 and 2, "State resolution".)
 */
export function separate(stateSets: readonly StateMap[], version: RoomVersion): Separated {
  const absentAgrees = version.stateResolution === "v1";
  const unconflicted = new Map<string, EventId>();
  const conflicted = new Map<string, EventId[]>();
  const [first, ...others] = stateSets;
  if (first === undefined) return { unconflicted, conflicted };
  for (const [tuple, eventId] of first) {
    const agreed = others.every((set) => {
      const other = set.get(tuple);
      return other === eventId || (absentAgrees && other === undefined);
    });
    if (agreed) unconflicted.set(tuple, eventId);
    else conflicted.set(tuple, distinct(stateSets, tuple));
  }
  for (const set of others) {
    for (const tuple of set.keys()) {
      if (first.has(tuple) || unconflicted.has(tuple) || conflicted.has(tuple)) continue;
      const events = distinct(stateSets, tuple);
      if (absentAgrees && events.length === 1) unconflicted.set(tuple, events[0]!);
      else conflicted.set(tuple, events);
    }
  }
  return { unconflicted, conflicted };
}

function distinct(stateSets: readonly StateMap[], tuple: string): EventId[] {
  const events = new Set<EventId>();
  for (const set of stateSets) {
    const eventId = set.get(tuple);
    if (eventId !== undefined) events.add(eventId);
  }
  return [...events];
}
