/** Orders events so that each comes after the events that it names. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { createEventIdOf } from "../../protocol/identifiers.ts";
import type { EventId } from "../../protocol/identifiers.ts";

/**
 * The events that authorise an event. From version 12 on this includes the create event, though it
 * is not named.
 */
export function authIdsOf(event: RoomEvent): readonly EventId[] {
  if (!event.version.roomIdIsCreateHash || event.type === "m.room.create")
    return event.authEventIds;
  return [createEventIdOf(event.roomId), ...event.authEventIds];
}

/** Auth events before those that name them, the create event first. */
export function inAuthOrder(events: readonly RoomEvent[]): RoomEvent[] {
  return sortedBy(events, authIdsOf);
}

/** Prev events before those that name them. */
export function inDagOrder(events: readonly RoomEvent[]): RoomEvent[] {
  const byDepth = events.toSorted((a, b) => a.depth - b.depth);
  return sortedBy(byDepth, (event) => event.prevEventIds);
}

function sortedBy(
  events: readonly RoomEvent[],
  before: (event: RoomEvent) => readonly EventId[],
): RoomEvent[] {
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const done = new Set<EventId>();
  const sorted: RoomEvent[] = [];
  for (const root of events) {
    const path: { event: RoomEvent; next: number }[] = [];
    const enter = (event: RoomEvent | undefined): void => {
      if (event === undefined || done.has(event.eventId)) return;
      done.add(event.eventId);
      path.push({ event, next: 0 });
    };
    enter(byId.get(root.eventId));
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const id = before(top.event)[top.next++];
      if (id !== undefined) enter(byId.get(id));
      else sorted.push(path.pop()!.event);
    }
  }
  return sorted;
}
