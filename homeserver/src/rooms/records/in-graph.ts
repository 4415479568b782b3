/** Which events are part of a room's graph, as opposed to outliers. */
import type { RoomId } from "../../protocol/identifiers.ts";
import type { StoredEvent } from "../api/index.ts";

/** True for events in a room's graph: the state around them is known. */
export function isInGraph(stored: StoredEvent): boolean {
  return stored.stateAfter !== null || stored.position !== null;
}

/** The same for the graph of one room: an event that names an event of another room lacks it. */
export function isInGraphOf(stored: StoredEvent, roomId: RoomId): boolean {
  return isInGraph(stored) && stored.event.roomId === roomId;
}

/**
 * Whether the state after an event is known. It is for the room's create event even while that is
 * an outlier: the state before it is empty.
 */
export function hasKnownState(stored: StoredEvent, roomId: RoomId): boolean {
  return isInGraphOf(stored, roomId) || isCreateOf(stored, roomId);
}

function isCreateOf({ event, status }: StoredEvent, roomId: RoomId): boolean {
  const isCreate = event.type === "m.room.create" && event.prevEventIds.length === 0;
  return isCreate && status !== "rejected" && event.roomId === roomId;
}
