/** Which events have a place in a room's graph. */
import type { RoomId } from "../../protocol/identifiers.ts";
import type { StoredEvent } from "../api/index.ts";

/** True for events whose place in the graph, and so the state around them, is known. */
export function isPlaced(stored: StoredEvent): boolean {
  return stored.stateAfter !== null || stored.position !== null;
}

/** The same in that room: an event that names another room's builds on nothing that could be had. */
export function isPlacedIn(stored: StoredEvent, roomId: RoomId): boolean {
  return isPlaced(stored) && stored.event.roomId === roomId;
}

/** The beginning of a room's graph. Nobody need tell the state around it, placed or not: it's empty before it. */
export function isBeginning({ event, status }: StoredEvent, roomId: RoomId): boolean {
  const { type, prevEventIds } = event;
  const isCreate = type === "m.room.create" && prevEventIds.length === 0;
  return isCreate && status !== "rejected" && event.roomId === roomId;
}
