import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import { stateTuple } from "../state-map.ts";
import type { StateConflict } from "./conflict.ts";
import { applyAllowed, lookUp, type PartialState } from "./iterative-auth.ts";
import { mainlineOrder } from "./mainline.ts";
import { powerOrder } from "./power-order.ts";

/**
 * State resolution of room versions 2 to 11 (v2) and 12 (v2.1): the event for each tuple that is
 * not unconflicted. (Room versions 2 and 12, "Algorithm".)
 */
export function resolveV2(conflict: StateConflict): Map<string, EventId> {
  const fullConflictedSet = collect(conflict);
  // Steps 1 and 2
  const startsEmpty = conflict.version.stateResolution === "v2.1";
  const state: PartialState = {
    resolved: new Map(),
    base: startsEmpty ? () => undefined : conflict.unconflicted,
  };
  const powerEvents = powerOrder(fullConflictedSet, conflict.events);
  applyAllowed(powerEvents, state, conflict);
  // Step 3
  for (const event of powerEvents) fullConflictedSet.delete(event.eventId);
  const powerLevelsId = lookUp(state, stateTuple("m.room.power_levels", ""));
  const powerLevels = powerLevelsId === undefined ? undefined : conflict.events(powerLevelsId);
  const others = mainlineOrder([...fullConflictedSet.values()], powerLevels, conflict.events);
  // Step 4
  applyAllowed(others, state, conflict);
  // Step 5
  for (const tuple of state.resolved.keys()) {
    if (conflict.unconflicted(tuple) !== undefined) state.resolved.delete(tuple);
  }
  return state.resolved;
}

/** The full conflicted set, without what is not known. */
function collect({ conflicted, authDifference, events }: StateConflict): Map<EventId, RoomEvent> {
  const found = new Map<EventId, RoomEvent>();
  const add = (id: EventId): void => {
    const event = events(id);
    if (event !== undefined) found.set(id, event);
  };
  for (const ids of conflicted.values()) ids.forEach(add);
  for (const id of authDifference) add(id);
  return found;
}
