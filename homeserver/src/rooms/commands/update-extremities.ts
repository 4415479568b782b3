/** Updates the room's forward extremities when an event arrives. */
import { extremitiesNotReachedFrom, isBuiltOn } from "./extremities.ts";
import type { StoredEvent } from "../api/index.ts";
import type { RoomCommand } from "./room-command.ts";

/**
 * An accepted live event becomes a forward extremity in place of those that it builds on. It does
 * not if accepted events already build on it, because it was missing until now: then the events
 * that it builds on stop being extremities, too. The same holds for what a rejected event builds
 * on, whether it is in the graph or not.
 */
export async function updateExtremities(
  command: RoomCommand,
  stored: StoredEvent,
  { isLive, isRejudged }: { readonly isLive: boolean; readonly isRejudged: boolean },
): Promise<void> {
  const { store } = command;
  const remaining = await extremitiesNotReachedFrom(store, command.extremities, stored.event);
  const isWhole = remaining.length === command.extremities.length;
  // Other events never become extremities. But accepted events may build on them, and so on their
  // prev events.
  const mayBeEnd = isLive && stored.status === "accepted";
  if (remaining.length === 0 || (isWhole && !mayBeEnd)) {
    if (mayBeEnd) await command.addExtremity(stored);
    return;
  }
  const isEnd = !(await isBuiltOn(store, command.room, stored.event, isRejudged));
  if (isEnd && mayBeEnd) await command.addExtremity(stored);
  if (!isEnd && !isWhole) await command.setExtremities(remaining);
}
