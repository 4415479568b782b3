import type { Sql, Tx } from "../sql.ts";
import { movePublication } from "./published-rooms.ts";

export interface AliasRow {
  alias: string;
  roomId: string;
  creator: string;
}

export async function findAlias(sql: Sql | Tx, alias: string): Promise<AliasRow | undefined> {
  const [row] = await sql<AliasRow[]>`
    SELECT alias, room_id AS "roomId", creator FROM room_aliases WHERE alias = ${alias}`;
  return row;
}

/** An alias is reserved before its room is created, which takes no longer than this. */
const MAKING_MS = 60_000;

/**
 * False when the alias is taken. One whose room was never created, because the process was killed
 * meanwhile, is free again.
 */
export async function insertAlias(
  sql: Sql | Tx,
  row: AliasRow & { createdTs: number },
): Promise<boolean> {
  const made = await sql`
    INSERT INTO room_aliases (alias, room_id, creator, created_ts)
    VALUES (${row.alias}, ${row.roomId}, ${row.creator}, ${row.createdTs})
    ON CONFLICT (alias) DO UPDATE
      SET room_id = excluded.room_id, creator = excluded.creator, created_ts = excluded.created_ts
      WHERE room_aliases.created_ts < excluded.created_ts - ${MAKING_MS}::bigint
        AND NOT EXISTS (
          SELECT 1 FROM rooms JOIN room_heads USING (room_nid)
          WHERE rooms.room_id = room_aliases.room_id)
    RETURNING 1`;
  return made.length > 0;
}

/** How many aliases a user has made, and how many lead to a room. */
export async function countAliases(
  sql: Sql | Tx,
  creator: string,
  roomId: string,
): Promise<{ made: number; ofRoom: number }> {
  const [row] = await sql<{ made: number; ofRoom: number }[]>`
    SELECT (SELECT count(*) FROM room_aliases WHERE creator = ${creator}) AS made,
      (SELECT count(*) FROM room_aliases WHERE room_id = ${roomId}) AS "ofRoom"`;
  return row ?? { made: 0, ofRoom: 0 };
}

/** False when there was none. */
export async function deleteAlias(sql: Sql | Tx, alias: string): Promise<boolean> {
  const gone = await sql`DELETE FROM room_aliases WHERE alias = ${alias} RETURNING 1`;
  return gone.length > 0;
}

export async function aliasesOfRoom(sql: Sql | Tx, roomId: string): Promise<string[]> {
  const rows = await sql<{ alias: string }[]>`
    SELECT alias FROM room_aliases WHERE room_id = ${roomId} ORDER BY created_ts, alias`;
  return rows.map((row) => row.alias);
}

/** Moves all aliases of a room to another. */
export async function moveAliases(sql: Sql | Tx, from: string, to: string): Promise<void> {
  await sql`UPDATE room_aliases SET room_id = ${to} WHERE room_id = ${from}`;
}

// --- upgrades that have not moved all of the old room yet ---------------------------------------

/** An upgrade has a new room, and the old one is still to be closed and moved. */
export async function noteUpgrade(sql: Sql | Tx, oldNid: number, newNid: number): Promise<void> {
  await sql`
    INSERT INTO room_upgrades (room_nid, new_room_nid) VALUES (${oldNid}, ${newNid})
    ON CONFLICT DO NOTHING`;
}

/** The old room was not closed, so nothing is moved. */
export async function dropUpgrade(sql: Sql | Tx, oldNid: number, newNid: number): Promise<void> {
  await sql`DELETE FROM room_upgrades WHERE room_nid = ${oldNid} AND new_room_nid = ${newNid}`;
}

/**
 * Moves the aliases to the new room, which also replaces the old one in the list of published rooms.
 * Happens once for each upgrade, and not for a room that no upgrade has made.
 */
export async function endUpgrade(
  tx: Tx,
  old: { readonly nid: number; readonly roomId: string },
  newRoomId: string,
): Promise<void> {
  const [row] = await tx<{ newNid: number }[]>`
    DELETE FROM room_upgrades u USING rooms r
    WHERE u.room_nid = ${old.nid} AND r.room_nid = u.new_room_nid AND r.room_id = ${newRoomId}
    RETURNING u.new_room_nid AS "newNid"`;
  if (row === undefined) return;
  await moveAliases(tx, old.roomId, newRoomId);
  await movePublication(tx, old.nid, row.newNid);
}
