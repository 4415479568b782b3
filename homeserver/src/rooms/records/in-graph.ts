/** Which events have a place in a room's graph. */
import type { RoomId } from "../../protocol/identifiers.ts";
import type { StoredEvent } from "../api/index.ts";

/** True for events whose place in the graph, and so the state around them, is known. */
export function isInGraph(stored: StoredEvent): boolean {
  return stored.stateAfter !== null || stored.position !== null;
}

/** The same in that room: an event that names another room's builds on nothing that could be had. */
export function isInGraphOf(stored: StoredEvent, roomId: RoomId): boolean {
  return isInGraph(stored) && stored.event.roomId === roomId;
}

/**
 * True where the state after an event is known. That of the room's create event is, even where the event has no place: the
 * state before it is empty, and nobody need tell it.
 */
export function hasKnownState(stored: StoredEvent, roomId: RoomId): boolean {
  return isInGraphOf(stored, roomId) || isCreateOf(stored, roomId);
}

function isCreateOf({ event, status }: StoredEvent, roomId: RoomId): boolean {
  const isCreate = event.type === "m.room.create" && event.prevEventIds.length === 0;
  return isCreate && status !== "rejected" && event.roomId === roomId;
}
