import type { Sql, Tx } from "../sql.ts";

export type PurgeStatus = "shutting_down" | "purging" | "complete" | "failed";

/** A purge that an administrator wants. `request` and `report` are JSON texts. */
export interface PurgeRow {
  readonly purgeId: string;
  readonly roomId: string;
  readonly roomNid: number | null;
  readonly kind: "history" | "room";
  readonly request: string;
  readonly status: PurgeStatus;
  readonly report: string;
  readonly reason: string | null;
}

function columns(sql: Sql | Tx) {
  return sql`purge_id AS "purgeId", room_id AS "roomId", room_nid AS "roomNid", kind, request,
    status, report, reason`;
}

/** Records a purge; false when another one of the room is running. `now` is ms since 1970. */
export async function insertPurge(
  sql: Sql | Tx,
  row: Omit<PurgeRow, "report" | "reason">,
  now: number,
): Promise<boolean> {
  const { count } = await sql`
    INSERT INTO purges (purge_id, room_id, room_nid, kind, request, status, created_ts)
    VALUES (${row.purgeId}, ${row.roomId}, ${row.roomNid}, ${row.kind}, ${row.request},
      ${row.status}, ${now})
    ON CONFLICT DO NOTHING`;
  return count > 0;
}

/** In the content of a room's create event: the purge whose users the room is for. */
export const MADE_FOR = "weft.purge";
/** The clocks of replicas differ by less, ms. */
const CLOCKS_DIFFER_BY = 3_600_000;

/** The room that a user has made for those whom a purge puts out, if it is made. */
export async function roomMadeFor(
  sql: Sql | Tx,
  purgeId: string,
  by: string,
): Promise<string | undefined> {
  const mark = `"${MADE_FOR}":${JSON.stringify(purgeId)}`;
  const [row] = await sql<{ roomId: string }[]>`
    SELECT r.room_id AS "roomId" FROM purges p
    JOIN memberships m ON m.user_id = ${by}
    JOIN rooms r ON r.room_nid = m.room_nid AND r.created_ts > p.created_ts - ${CLOCKS_DIFFER_BY}
    JOIN events e ON e.room_nid = r.room_nid AND e.type = 'm.room.create' AND e.sender = ${by}
      AND e.position IS NOT NULL AND e.status = 0
    WHERE p.purge_id = ${purgeId} AND strpos(e.json, ${mark}) > 0
    ORDER BY r.room_nid LIMIT 1`;
  return row?.roomId;
}

/** The oldest purge that has something left to do. */
export async function nextPurge(sql: Sql | Tx): Promise<PurgeRow | undefined> {
  const [row] = await sql<PurgeRow[]>`
    SELECT ${columns(sql)} FROM purges WHERE ended_ts IS NULL ORDER BY created_ts LIMIT 1`;
  return row;
}

export async function purgeById(sql: Sql | Tx, purgeId: string): Promise<PurgeRow | undefined> {
  const [row] = await sql<PurgeRow[]>`
    SELECT ${columns(sql)} FROM purges WHERE purge_id = ${purgeId}`;
  return row;
}

/** Purges of a room, whole, the newest first. */
export async function purgesOfRoom(sql: Sql | Tx, roomId: string): Promise<PurgeRow[]> {
  return sql<PurgeRow[]>`
    SELECT ${columns(sql)} FROM purges WHERE room_id = ${roomId} AND kind = 'room'
    ORDER BY created_ts DESC`;
}

/**
 * Updates a purge that has not ended: whoever lost the lease, and does not know it yet, changes
 * nothing then. `ended` is ms since 1970, null while it is running.
 */
export async function notePurge(
  sql: Sql | Tx,
  purgeId: string,
  now: { status: PurgeStatus; report?: string; reason?: string; ended: number | null },
): Promise<void> {
  const report = now.report === undefined ? sql`` : sql`report = ${now.report},`;
  await sql`
    UPDATE purges SET ${report} status = ${now.status}, reason = ${now.reason ?? null},
      ended_ts = ${now.ended}
    WHERE purge_id = ${purgeId} AND ended_ts IS NULL`;
}

/**
 * Forgets purges that ended before a time, ms since 1970, and who was in the rooms that they
 * deleted.
 */
export async function forgetPurges(sql: Sql | Tx, before: number): Promise<void> {
  await sql`
    WITH forgotten AS (DELETE FROM purges WHERE ended_ts < ${before} RETURNING room_nid, kind),
    gone AS (
      SELECT f.room_nid FROM forgotten f WHERE f.kind = 'room'
        AND NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_nid = f.room_nid)),
    times AS (DELETE FROM partial_times p USING gone g WHERE p.room_nid = g.room_nid)
    DELETE FROM past_stays p USING gone g WHERE p.room_nid = g.room_nid`;
}

/** Who blocked a room; undefined when it is not blocked. */
export async function blockerOf(sql: Sql | Tx, roomId: string): Promise<string | undefined> {
  const [row] = await sql<{ by: string }[]>`
    SELECT blocked_by AS by FROM blocked_rooms WHERE room_id = ${roomId}`;
  return row?.by;
}

/** Whether nobody may come in: the room is blocked or being deleted, or archived. */
export async function closureOf(
  sql: Sql | Tx,
  roomId: string,
): Promise<"blocked" | "archived" | undefined> {
  const [row] = await sql<{ blocked: boolean; archived: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM blocked_rooms WHERE room_id = ${roomId})
      OR EXISTS (SELECT 1 FROM purges
                 WHERE room_id = ${roomId} AND ended_ts IS NULL AND kind = 'room') AS blocked,
      EXISTS (SELECT 1 FROM rooms r JOIN room_heads h USING (room_nid)
              WHERE r.room_id = ${roomId} AND h.archived) AS archived`;
  if (row?.blocked === true) return "blocked";
  return row?.archived === true ? "archived" : undefined;
}

/** `now` is ms since 1970. */
export async function blockRoom(
  sql: Sql | Tx,
  roomId: string,
  by: string,
  now: number,
): Promise<void> {
  await sql`
    INSERT INTO blocked_rooms (room_id, blocked_by, blocked_ts) VALUES (${roomId}, ${by}, ${now})
    ON CONFLICT DO NOTHING`;
}

export async function unblockRoom(sql: Sql | Tx, roomId: string): Promise<void> {
  await sql`DELETE FROM blocked_rooms WHERE room_id = ${roomId}`;
}
