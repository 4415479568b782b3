/** How much rooms take up in the database and among the files. */
import type { Sql, Tx } from "../sql.ts";
import { logPosition } from "../streams/log-head.ts";
import { transaction } from "../transaction.ts";

/** All events up to its position are counted, and none beyond it. */
const CURSOR = "room-sizes";
/** Log positions of one step. */
const STEP = 20_000;

/** Counts events that came since the last time. Returns whether there may be more. */
export async function countEvents(sql: Sql): Promise<boolean> {
  return transaction(sql, async (tx) => {
    const [cursor] = await tx<{ position: number }[]>`
      SELECT position FROM cursors WHERE name = ${CURSOR} FOR UPDATE`;
    const counted = cursor?.position;
    const head = await logPosition(tx);
    if (counted === head) return false;
    const upTo = counted === undefined ? head : Math.min(head, counted + STEP);
    if (counted === undefined) await countAll(tx, upTo);
    else await countSome(tx, counted, upTo);
    await tx`
      INSERT INTO cursors (name, position) VALUES (${CURSOR}, ${upTo})
      ON CONFLICT (name) DO UPDATE SET position = excluded.position`;
    return upTo < head;
  });
}

async function countAll(tx: Tx, upTo: number): Promise<void> {
  await tx`
    INSERT INTO room_sizes (room_nid, events, event_bytes, media_due)
    SELECT room_nid, count(*), sum(pg_column_size(json)), true FROM events
    WHERE position IS NOT NULL AND position <= ${upTo} GROUP BY room_nid
    ON CONFLICT (room_nid) DO UPDATE SET events = excluded.events,
      event_bytes = excluded.event_bytes, media_due = true`;
}

async function countSome(tx: Tx, after: number, upTo: number): Promise<void> {
  await tx`
    INSERT INTO room_sizes AS s (room_nid, events, event_bytes, media_due)
    SELECT e.room_nid, count(*), sum(pg_column_size(e.json)), bool_or(EXISTS (
        SELECT 1 FROM media_references m WHERE m.event_nid = e.event_nid))
    FROM (
      SELECT event_nid, room_nid, json FROM events
      WHERE position > ${after} AND position <= ${upTo} AND position IS NOT NULL AND ordinal = 0
      UNION ALL
      SELECT e.event_nid, e.room_nid, e.json
      FROM arrived_history h, unnest(h.event_nids) AS n JOIN events e ON e.event_nid = n
      WHERE h.position > ${after} AND h.position <= ${upTo} AND e.position IS NOT NULL) AS e
    GROUP BY e.room_nid ORDER BY e.room_nid
    ON CONFLICT (room_nid) DO UPDATE SET events = s.events + excluded.events,
      event_bytes = s.event_bytes + excluded.event_bytes,
      media_due = s.media_due OR excluded.media_due`;
}

/** Counts a room's events anew, after some were deleted. */
export async function recountEvents(sql: Sql, roomNid: number): Promise<void> {
  await transaction(sql, async (tx) => {
    const [cursor] = await tx<{ position: number }[]>`
      SELECT position FROM cursors WHERE name = ${CURSOR} FOR UPDATE`;
    if (cursor === undefined) return;
    await tx`
      UPDATE room_sizes s SET events = e.n, event_bytes = e.bytes, media_due = true
      FROM (SELECT count(*) AS n, coalesce(sum(pg_column_size(json)), 0) AS bytes FROM events
        WHERE room_nid = ${roomNid} AND position <= ${cursor.position}) AS e
      WHERE s.room_nid = ${roomNid}`;
  });
}

/**
 * Counts the files of some rooms anew: those with new ones, and those that were counted before a
 * moment (ms since 1970): their files may have gone. Returns of how many rooms.
 */
export async function countMedia(
  sql: Sql,
  { before, now, limit }: { readonly before: number; readonly now: number; readonly limit: number },
): Promise<number> {
  const { count } = await sql`
    WITH due AS MATERIALIZED (
      (SELECT room_nid FROM room_sizes WHERE media_due LIMIT ${limit})
      UNION (SELECT room_nid FROM room_sizes WHERE media_ts < ${before}
        ORDER BY media_ts LIMIT ${limit})
      LIMIT ${limit})
    UPDATE room_sizes s SET media_due = false, media_ts = ${now}, media_bytes = coalesce((
      SELECT sum(m.size) FROM (
        SELECT DISTINCT server, media_id FROM media_references r WHERE r.room_nid = s.room_nid) AS r
      JOIN media m USING (server, media_id)), 0)
    FROM due WHERE s.room_nid = due.room_nid`;
  return count;
}
