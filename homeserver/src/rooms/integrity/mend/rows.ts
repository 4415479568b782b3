/**
 * Repairs the columns and auth_nids of a room's events from their JSON; unreadable events are
 * removed.
 */
import { eventFromStored } from "../../../protocol/events/event.ts";
import type { RoomEvent } from "../../../protocol/events/event.ts";
import type { EventId } from "../../../protocol/identifiers.ts";
import { eventsAfterNid } from "../../../storage/rooms/integrity.ts";
import type { CheckedRow } from "../../../storage/rooms/integrity.ts";
import { deleteEvents, writeAuthNids, writeColumns } from "../../../storage/rooms/mend-rooms.ts";
import { checkAuth } from "../auth.ts";
import { columnFaults } from "../stored-event.ts";
import type { Mending } from "./mending.ts";

const PAGE = 500;

export async function mendRows(mending: Mending): Promise<void> {
  // Auth events are looked up by id: unreadable ones must be removed first.
  await eachPage(mending, async (rows) => {
    const unreadable = rows.filter((row) => readable(mending, row) === undefined);
    if (unreadable.length === 0) return;
    for (const { eventId } of unreadable) {
      mending.options.left(
        "its JSON can't be read: it was taken out, and is fetched when it is needed",
        eventId,
      );
    }
    await deleteEvents(
      mending.tx,
      unreadable.map(({ nid }) => nid),
    );
    mending.counts.removed += unreadable.length;
  });
  await eachPage(mending, (rows) => mendPage(mending, rows));
}

async function eachPage(
  { store, room }: Mending,
  task: (rows: readonly CheckedRow[]) => Promise<void>,
): Promise<void> {
  for (let after = 0; ;) {
    const rows = await eventsAfterNid(store.sql, room.nid, after, PAGE);
    const last = rows.at(-1);
    if (last === undefined) return;
    await task(rows);
    after = last.nid;
  }
}

function readable({ room }: Mending, row: CheckedRow): RoomEvent | undefined {
  try {
    return eventFromStored(row.json, room.version, row.eventId as EventId);
  } catch {
    return undefined;
  }
}

async function mendPage(mending: Mending, rows: readonly CheckedRow[]): Promise<void> {
  const { tx, store, room, counts } = mending;
  const events = rows.flatMap((row) => {
    const event = readable(mending, row);
    return event === undefined ? [] : [{ row, event }];
  });
  const columns = events.filter(({ row, event }) => columnFaults(row, event).length > 0);
  if (columns.length > 0) {
    const wanted = columns.map(({ row: { nid }, event }) => ({
      ...{ nid, type: event.type, stateKey: event.stateKey ?? null, sender: event.sender },
      ...{ depth: event.depth, prevEventIds: event.prevEventIds },
    }));
    await writeColumns(tx, wanted);
  }
  const asked = events.map(({ row, event }) => ({
    ...{ event, authNids: row.authNids },
    isInGraph: row.position !== null || row.stateAfter !== null,
  }));
  const checks = await checkAuth(store.sql, room.nid, asked);
  const auth = checks.flatMap(({ right }, i) => {
    const { nid, authNids } = events[i]!.row;
    return right.join() === authNids.join() ? [] : [{ nid, authNids: right }];
  });
  if (auth.length > 0) await writeAuthNids(tx, auth);
  for (const [i, { lacking }] of checks.entries()) {
    if (!asked[i]!.isInGraph) continue;
    for (const id of lacking) {
      mending.options.left(`its auth event ${id} is stored nowhere`, events[i]!.row.eventId);
    }
  }
  counts.rows += new Set([
    ...columns.map(({ row }) => row.nid),
    ...auth.map(({ nid }) => nid),
  ]).size;
}
