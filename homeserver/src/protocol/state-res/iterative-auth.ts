import { authorise, type AuthState } from "../auth/index.ts";
import { rejectionOf } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import { createEventIdOf, type EventId } from "../identifiers.ts";
import { stateTuple } from "../state-map.ts";
import type { StateConflict } from "./conflict.ts";

/** A state under construction, above one that stays as it is. */
export interface PartialState {
  readonly resolved: Map<string, EventId>;
  readonly base: (tuple: string) => EventId | undefined;
}

/** The event that a partial state has for a tuple. */
export function lookUp(state: PartialState, tuple: string): EventId | undefined {
  return state.resolved.get(tuple) ?? state.base(tuple);
}

/**
 * Puts those of the events that are allowed into the state, one after the other, each judged by the
 * state so far and, where that lacks an entry, by its own auth events. (Room version 2, "Iterative
 * auth checks".)
 */
export function applyAllowed(
  events: readonly RoomEvent[],
  state: PartialState,
  conflict: StateConflict,
): void {
  for (const event of events) {
    if (event.stateKey === undefined || !isAllowed(event, state, conflict)) continue;
    state.resolved.set(stateTuple(event.type, event.stateKey), event.eventId);
  }
}

function isAllowed(event: RoomEvent, state: PartialState, conflict: StateConflict): boolean {
  const authState: AuthState = {
    get(type, stateKey) {
      const eventId = lookUp(state, stateTuple(type, stateKey));
      const held = eventId === undefined ? undefined : conflict.events(eventId);
      return held ?? fromAuthEvents(event, type, stateKey, conflict);
    },
  };
  return rejectionOf(() => authorise(event, authState)) === undefined;
}

function fromAuthEvents(
  event: RoomEvent,
  type: string,
  stateKey: string,
  { events, isRejected }: StateConflict,
): RoomEvent | undefined {
  // From version 12 the room's id stands for the create event among the auth events.
  const { version, roomId } = event;
  const isImplied = type === "m.room.create" && version.roomIdIsCreateHash;
  for (const id of isImplied ? [createEventIdOf(roomId)] : event.authEventIds) {
    const candidate = events(id);
    if (candidate?.type !== type || candidate.stateKey !== stateKey) continue;
    if (isRejected?.(id) !== true) return candidate;
  }
  return undefined;
}
