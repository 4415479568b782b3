/** Whether administrators have closed a room, and how. */
import type { Sql, Tx } from "../sql.ts";

/** In all: `open`; all of them but `blocked` are of rooms that this server was in. */
export type RoomStatus = "open" | "archived" | "blocked" | "shut_down";

export interface Closure {
  readonly by: string;
  readonly closedTs: number;
  readonly reason: string | null;
}

export interface StatusRow {
  readonly archived: Closure | undefined;
  readonly blocked: Closure | undefined;
  readonly shutDown: Closure | undefined;
}

/** Of a row of rooms `r` with its room_heads `h` and room_stats `s`: the status as text. */
export const statusOfRow = (sql: Sql) => sql`
  CASE WHEN coalesce(s.joined_local, 0) = 0 AND EXISTS (SELECT 1 FROM room_closures c
      WHERE c.room_nid = r.room_nid AND c.kind = 'shut_down') THEN 'shut_down'
    WHEN EXISTS (SELECT 1 FROM blocked_rooms b WHERE b.room_id = r.room_id) THEN 'blocked'
    WHEN h.archived THEN 'archived' ELSE 'open' END`;

/** All that is noted of a room, known or not. */
export async function statusRow(sql: Sql | Tx, roomId: string): Promise<StatusRow> {
  const rows = await sql<(Closure & { kind: string })[]>`
    SELECT c.kind, c.closed_by AS by, c.closed_ts AS "closedTs", c.reason
    FROM rooms r JOIN room_closures c USING (room_nid) LEFT JOIN room_stats s USING (room_nid)
    WHERE r.room_id = ${roomId}
      AND (c.kind <> 'shut_down' OR coalesce(s.joined_local, 0) = 0)
    UNION ALL
    SELECT 'blocked', blocked_by, blocked_ts, NULL FROM blocked_rooms WHERE room_id = ${roomId}`;
  const of = (kind: string) => rows.find((row) => row.kind === kind);
  return { archived: of("archived"), blocked: of("blocked"), shutDown: of("shut_down") };
}

/** The version of a room's head, which nobody moves until the transaction ends. */
export async function lockHead(tx: Tx, roomNid: number): Promise<number | undefined> {
  const [row] = await tx<{ version: number }[]>`
    SELECT version FROM room_heads WHERE room_nid = ${roomNid} FOR UPDATE`;
  return row?.version;
}

/** The head gets a new version: commands that were built on the old one fail, and run again. */
export async function writeArchived(
  tx: Tx,
  roomNid: number,
  archived: boolean,
  version: number,
): Promise<void> {
  await tx`
    UPDATE room_heads SET archived = ${archived}, version = ${version}
    WHERE room_nid = ${roomNid}`;
}

/** Notes who has closed a room; the last one counts. */
export async function noteClosure(
  tx: Sql | Tx,
  roomNid: number,
  kind: "archived" | "shut_down",
  { by, closedTs, reason }: Closure,
): Promise<void> {
  await tx`
    INSERT INTO room_closures (room_nid, kind, closed_by, closed_ts, reason)
    VALUES (${roomNid}, ${kind}, ${by}, ${closedTs}, ${reason?.replaceAll("\0", "") ?? null})
    ON CONFLICT (room_nid, kind) DO UPDATE SET closed_by = excluded.closed_by,
      closed_ts = excluded.closed_ts, reason = excluded.reason`;
}

export async function removeClosure(
  tx: Sql | Tx,
  roomNid: number,
  kind: "archived" | "shut_down",
): Promise<void> {
  await tx`DELETE FROM room_closures WHERE room_nid = ${roomNid} AND kind = ${kind}`;
}

/** Whether a server has somebody in the room, and whether the room takes nothing in. */
export async function receivesIn(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
): Promise<{ isJoined: boolean; isArchived: boolean }> {
  const [row] = await sql<{ isJoined: boolean; isArchived: boolean | null }[]>`
    SELECT EXISTS (SELECT 1 FROM memberships
        WHERE room_nid = ${roomNid} AND server = ${server} AND membership = 'join') AS "isJoined",
      (SELECT archived FROM room_heads WHERE room_nid = ${roomNid}) AS "isArchived"`;
  return { isJoined: row?.isJoined ?? false, isArchived: row?.isArchived ?? false };
}
