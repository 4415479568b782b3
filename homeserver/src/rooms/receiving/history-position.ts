/** Where history goes in the timeline, as the tables and what is on its way to them have it now. */
import type { EventId } from "../../protocol/identifiers.ts";
import { awaitedEvents, isStoodOn } from "../../storage/rooms/gaps.ts";
import { isTaken, lowestOrdinal } from "../../storage/rooms/timeline.ts";
import type { HistoryPosition } from "./checks.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/**
 * The place that is wished for, or, where that is taken by now, one in front of all that stands before the same event. An
 * event that awaits this one gets it in front of itself. Undefined: it's news, and so it is where all that awaits it was
 * soft-failed: nothing in the room's state stands on it.
 */
export async function historyPosition(
  command: RoomCommand,
  eventId: EventId,
  wished: HistoryPosition | undefined,
  mayBeAwaited: boolean,
): Promise<HistoryPosition | undefined> {
  const { store, room } = command;
  if (wished !== undefined) {
    const { position, ordinal } = wished;
    const isFree =
      !store.pending.isTaken(position, ordinal) &&
      !(await isTaken(store.sql, room.nid, position, ordinal));
    return isFree ? wished : inFrontOf(command, position);
  }
  if (!mayBeAwaited) return undefined;
  const awaited = await awaitedEvents(store.sql, room.nid, [eventId]);
  const [newest] = awaited;
  if (newest === undefined) return undefined;
  const isBehind =
    awaited.some(({ isByAccepted }) => isByAccepted) ||
    (await isStoodOn(store.sql, room.nid, eventId, store.pending.graph()));
  return isBehind ? inFrontOf(command, newest.position) : undefined;
}

async function inFrontOf({ store, room }: RoomCommand, position: number): Promise<HistoryPosition> {
  const coming = store.pending.lowestOrdinal(position);
  const stored = await lowestOrdinal(store.sql, room.nid, position);
  return { position, ordinal: Math.min(coming, stored) - 1 };
}
