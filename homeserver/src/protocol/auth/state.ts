import type { RoomEvent } from "../events/event.ts";
import { stateTuple } from "../state-map.ts";

/** The state that an event is authorised against: as much of it as `authTypesFor` names. */
export interface AuthState {
  get(type: string, stateKey: string): RoomEvent | undefined;
}

/** The state that these state events make up; of several with the same key the last one counts. */
export function authStateOf(events: Iterable<RoomEvent>): AuthState {
  const byTuple = new Map<string, RoomEvent>();
  for (const event of events) {
    if (event.stateKey !== undefined) byTuple.set(stateTuple(event.type, event.stateKey), event);
  }
  return { get: (type, stateKey) => byTuple.get(stateTuple(type, stateKey)) };
}

/** The membership that a state gives a user; undefined when it has no member event for them. */
export function membershipIn(state: AuthState, userId: string): string | undefined {
  const membership = state.get("m.room.member", userId)?.content.membership;
  return typeof membership === "string" ? membership : undefined;
}
