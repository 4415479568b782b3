import { hash } from "node:crypto";
import { authorise, type AuthState } from "../auth/index.ts";
import { rejectionOf } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import { splitTuple, stateTuple } from "../state-map.ts";
import type { StateConflict } from "./conflict.ts";

/** Types that are resolved first, in this order, since they decide on the others. */
const AUTH_TYPES = ["m.room.power_levels", "m.room.join_rules", "m.room.member"];

/**
 * State resolution of room version 1: the event for each conflicted tuple. (Room version 1, "State
 * resolution".) Like other servers it resolves each member for itself, and where nothing passes, it
 * keeps the event of least depth.
 */
export function resolveV1(conflict: StateConflict): Map<string, EventId> {
  const resolved = new Map<string, EventId>();
  const rest = new Map<string, RoomEvent[]>();
  for (const [tuple, ids] of conflict.conflicted) {
    const events = ids.map(conflict.events).filter((event) => event !== undefined);
    if (events.length > 1) rest.set(tuple, byDepth(events));
    else if (events[0] !== undefined) resolved.set(tuple, events[0].eventId);
  }
  const state = stateOf(conflict, resolved);
  for (const type of AUTH_TYPES) {
    const chosen: [string, EventId][] = [];
    for (const [tuple, events] of rest) {
      if (splitTuple(tuple)[0] !== type) continue;
      chosen.push([tuple, lastAllowed(events, state).eventId]);
      rest.delete(tuple);
    }
    for (const [tuple, eventId] of chosen) resolved.set(tuple, eventId);
  }
  const others = [...rest].map(([tuple, events]): [string, EventId] => [
    tuple,
    (events.findLast((event) => isAllowed(event, state)) ?? events[0]!).eventId,
  ]);
  for (const [tuple, eventId] of others) resolved.set(tuple, eventId);
  return resolved;
}

/** Ascending depth, then descending sha1 of the event id. */
function byDepth(events: RoomEvent[]): RoomEvent[] {
  const keyed = events.map((event) => ({ event, sha1: hash("sha1", event.eventId) }));
  keyed.sort((a, b) => a.event.depth - b.event.depth || (a.sha1 < b.sha1 ? 1 : -1));
  return keyed.map(({ event }) => event);
}

/** The first event, or the last of those after it that each are allowed by the one before. */
function lastAllowed(events: readonly RoomEvent[], state: AuthState): RoomEvent {
  let chosen = events[0]!;
  for (const event of events.slice(1)) {
    const current = chosen;
    const withChosen: AuthState = {
      get: (type, stateKey) =>
        type === current.type && stateKey === current.stateKey
          ? current
          : state.get(type, stateKey),
    };
    if (!isAllowed(event, withChosen)) break;
    chosen = event;
  }
  return chosen;
}

function stateOf(conflict: StateConflict, resolved: ReadonlyMap<string, EventId>): AuthState {
  return {
    get(type, stateKey) {
      const tuple = stateTuple(type, stateKey);
      const eventId = resolved.get(tuple) ?? conflict.unconflicted(tuple);
      return eventId === undefined ? undefined : conflict.events(eventId);
    },
  };
}

function isAllowed(event: RoomEvent, state: AuthState): boolean {
  return rejectionOf(() => authorise(event, state)) === undefined;
}
