/** The room's forward extremities when an event comes. */
import { extremitiesNotReachedFrom, isBuiltOn } from "./extremities.ts";
import type { StoredEvent } from "../api/index.ts";
import type { RoomCommand } from "./room-command.ts";

/**
 * An accepted live event becomes a forward extremity in place of those that it builds on. It does not where accepted events
 * stand on it already, since it was missing until now: then what it builds on is no extremity any more, either. The same
 * holds for what a rejected event builds on, whether or not that event has a place.
 */
export async function updateExtremities(
  command: RoomCommand,
  stored: StoredEvent,
  { isLive, isRejudged }: { readonly isLive: boolean; readonly isRejudged: boolean },
): Promise<void> {
  const { store } = command;
  const beside = await extremitiesNotReachedFrom(store, command.extremities, stored.event);
  const isWhole = beside.length === command.extremities.length;
  // Any other is none, but accepted events may stand on it, and so on what it names.
  const mayBeEnd = isLive && stored.status === "accepted";
  if (beside.length === 0 || (isWhole && !mayBeEnd)) {
    if (mayBeEnd) await command.addExtremity(stored);
    return;
  }
  const isEnd = !(await isBuiltOn(store, command.room, stored.event, isRejudged));
  if (isEnd && mayBeEnd) await command.addExtremity(stored);
  if (!isEnd && !isWhole) await command.setExtremities(beside);
}
