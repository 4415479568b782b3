import { textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

export interface RoomRow {
  nid: number;
  roomId: string;
  version: string;
  /** The create event says it; otherwise somebody claimed it. */
  versionKnown: boolean;
}

/** Columns of a RoomRow. */
export function roomColumns(sql: Sql | Tx) {
  return sql`room_nid AS nid, room_id AS "roomId", version, version_known AS "versionKnown"`;
}

/**
 * Makes the room's row, or finds the one that is there (whose version may differ from the one
 * asked). `known`: the create event says the version; otherwise somebody claims it.
 */
export async function ensureRoom(
  sql: Sql | Tx,
  room: { roomId: string; version: string; known: boolean; createdTs: number },
): Promise<RoomRow> {
  const { roomId, version, known, createdTs } = room;
  const [made] = await sql<RoomRow[]>`
    INSERT INTO rooms (room_nid, room_id, version, version_known, created_ts)
    VALUES (nextval('room_nids'), ${roomId}, ${version}, ${known}, ${createdTs})
    ON CONFLICT (room_id) DO UPDATE SET version_disputed = true
      WHERE NOT rooms.version_known AND NOT rooms.version_disputed
        AND rooms.version <> excluded.version
    RETURNING ${roomColumns(sql)}`;
  if (made !== undefined) return made;
  const [row] = await sql<RoomRow[]>`
    SELECT ${roomColumns(sql)} FROM rooms WHERE room_id = ${roomId}`;
  if (row === undefined) throw new Error(`room ${roomId} could not be stored`);
  return row;
}

/**
 * The create event says the version: it's settled; "other": another one is settled already. Events
 * that were taken in by a claim of another version are read by this one from now on, where it
 * writes events alike (`alike`, version ids) and nobody's membership rests on them ("changed").
 */
export async function settleVersion(
  sql: Sql,
  roomNid: number,
  version: string,
  alike: readonly string[],
): Promise<"settled" | "other" | "changed"> {
  return sql.begin(async (tx) => {
    const [row] = await tx<{ version: string; known: boolean; disputed: boolean }[]>`
      SELECT version, version_known AS known, version_disputed AS disputed FROM rooms
      WHERE room_nid = ${roomNid} FOR UPDATE`;
    if (row === undefined) return "other";
    if (row.known) return row.version === version ? "settled" : "other";
    await tx`
      UPDATE rooms SET version = ${version}, version_known = true WHERE room_nid = ${roomNid}`;
    if (!row.disputed) return "settled";
    await tx`
      UPDATE events SET version = ${version}
      WHERE room_nid = ${roomNid} AND version <> ${version}
        AND version = ANY (${textArray(alike)}::text[])
        AND event_nid NOT IN (SELECT event_nid FROM memberships WHERE room_nid = ${roomNid})`;
    return "changed";
  });
}
