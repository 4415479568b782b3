import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import { compareByAge } from "./power-order.ts";

type Lookup = (eventId: EventId) => RoomEvent | undefined;

/**
 * The events in the mainline ordering based on a power levels event: first those that depend on
 * none of its line, then those on its oldest ancestor and so on; among equals older first, then by
 * event id. (Room version 2, "Mainline ordering".)
 */
export function mainlineOrder(
  remaining: readonly RoomEvent[],
  powerLevels: RoomEvent | undefined,
  events: Lookup,
): RoomEvent[] {
  const positions = new Map<EventId, number>();
  for (let event = powerLevels; event !== undefined; event = powerLevelsOf(event, events)) {
    if (positions.has(event.eventId)) break;
    positions.set(event.eventId, positions.size);
  }
  return remaining
    .map((event) => ({ event, position: positionOf(event, positions, events) }))
    .toSorted((a, b) => comparePositions(b.position, a.position) || compareByAge(a.event, b.event))
    .map(({ event }) => event);
}

/**
 * How far down the mainline an event's line of power levels meets it; Infinity when it does not.
 */
function positionOf(event: RoomEvent, positions: Map<EventId, number>, events: Lookup): number {
  const passed = new Set<EventId>();
  let position: number | undefined;
  for (
    let at = powerLevelsOf(event, events);
    at !== undefined && !passed.has(at.eventId);
    at = powerLevelsOf(at, events)
  ) {
    position = positions.get(at.eventId);
    if (position !== undefined) break;
    passed.add(at.eventId);
  }
  // What was passed leads to the same place: the next event that comes by need not walk on.
  for (const eventId of passed) positions.set(eventId, position ?? Infinity);
  return position ?? Infinity;
}

function powerLevelsOf(event: RoomEvent, events: Lookup): RoomEvent | undefined {
  for (const id of event.authEventIds) {
    const candidate = events(id);
    if (candidate?.type === "m.room.power_levels" && candidate.stateKey === "") return candidate;
  }
  return undefined;
}

// A subtraction would make NaN of two infinite positions.
function comparePositions(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
