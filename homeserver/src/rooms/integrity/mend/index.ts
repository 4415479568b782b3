/**
 * Repairs a damaged room from its events: `weft doctor --mend`. Everything is written in the
 * caller's transaction, so that a room is repaired as a whole or not at all. Only for a database
 * that no server has open: its caches would be out of date.
 */
import { serverOf } from "../../../protocol/identifiers.ts";
import type { RoomId, UserId } from "../../../protocol/identifiers.ts";
import {
  noteGaps,
  stageEvents,
  takePositions,
  tellRestated,
  writePositions,
} from "../../../storage/rooms/mend-rooms.ts";
import { loadHead } from "../../../storage/rooms/heads.ts";
import type { Sql, Tx } from "../../../storage/sql.ts";
import { createRoomStore } from "../../state/store.ts";
import { lostOf } from "../index.ts";
import { mendHead } from "./head.ts";
import { createMending } from "./mending.ts";
import type { MendOptions, MendReport, Mending } from "./mending.ts";
import { mendRows } from "./rows.ts";
import { mendRedactions } from "./redactions.ts";
import { mendStates } from "./states.ts";

export type { MendOptions, MendReport } from "./mending.ts";

/**
 * Undefined when this server does not know the room, has never been in it, or is still fetching its
 * state.
 */
export async function mendRoom(
  tx: Tx,
  roomId: RoomId,
  options: MendOptions,
): Promise<MendReport | undefined> {
  const sql = tx as unknown as Sql;
  const store = { ...createRoomStore(sql), resolver: undefined };
  const room = await store.registry.byId(roomId);
  const head = room === undefined ? undefined : await loadHead(tx, room.nid);
  if (room === undefined || head === undefined) return undefined;
  if (head.partial) {
    options.left("its state is still being fetched: let the server do that first, then mend it");
    return undefined;
  }
  const mending = createMending(tx, store, room, options);
  await mendRows(mending);
  await mendStates(mending);
  await mendRedactions(mending);
  await placeAgain(mending);
  // Events of the current state that are not in the graph drop out of it.
  await stageLost(mending);
  await mendHead(mending, head);
  mending.counts.gaps += await noteGaps(tx, room.nid);
  if (Object.values(mending.counts).some((count) => count > 0)) {
    await tellRestated(tx, room.nid, head.extremities[0] ?? 0, await takePositions(tx, 1));
  }
  return mending.counts;
}

/** Wrongly rejected events have no position in the timeline: they get one now. */
async function placeAgain({ tx, accepted }: Mending): Promise<void> {
  if (accepted.length === 0) return;
  await writePositions(tx, accepted, await takePositions(tx, accepted.length));
}

async function stageLost({ tx, store, room, options, counts }: Mending): Promise<void> {
  const lost = await lostOf(store.sql, room);
  if (lost.length === 0) return;
  const events = lost.map(({ eventId, sender, json }) => ({
    ...{ eventId, json },
    origin: serverOf(sender as UserId),
  }));
  await stageEvents(tx, room.nid, events, options.now);
  counts.staged += lost.length;
}
