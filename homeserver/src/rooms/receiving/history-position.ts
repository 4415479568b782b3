/**
 * Finds the position of a backfilled event in the timeline, from the tables and the pending events.
 */
import type { EventId } from "../../protocol/identifiers.ts";
import { awaitedEvents, isStoodOn } from "../../storage/rooms/gaps.ts";
import { isTaken, lowestOrdinal } from "../../storage/rooms/timeline.ts";
import type { HistoryPosition } from "./add-to-graph.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/**
 * The wished position or, when it is taken, the one in front of everything that precedes the same
 * live event. Without a wish, an event that others wait for goes in front of the newest of them.
 * Undefined: it is a new live event, also when all events that wait for it were soft-failed, since
 * nothing in the room's state builds on those.
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
