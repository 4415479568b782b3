import { numberArray, textArray, type Sql } from "../sql.ts";

/** Log position of the last thing that happened in each room that this server is or was in. */
export async function lastActivity(
  sql: Sql,
  roomNids: readonly number[],
): Promise<Map<number, number>> {
  const rows = await sql<{ nid: number; position: number }[]>`
    SELECT room_nid AS nid, position FROM room_heads
    WHERE room_nid = ANY (${numberArray(roomNids)}::bigint[])`;
  return new Map(rows.map(({ nid, position }) => [nid, position]));
}

/** How many of a room's newest events are looked at for one of the types. */
const LOOKED_AT = 500;

/**
 * Log position of each room's last event of some types, up to a position, among its newest events;
 * when none of these is, of the oldest of them.
 */
export async function lastOfTypes(
  sql: Sql,
  roomNids: readonly number[],
  types: readonly string[],
  upTo: number,
): Promise<Map<number, number>> {
  const newest = sql`
    SELECT position, type FROM events
    WHERE room_nid = room.nid AND position IS NOT NULL AND status = 0 AND position <= ${upTo}
    ORDER BY position DESC, ordinal DESC LIMIT ${LOOKED_AT}`;
  // The first part ends at the first that is found, mostly at once.
  const rows = await sql<{ nid: number; position: number | null }[]>`
    SELECT room.nid, coalesce(
      (SELECT position FROM (${newest}) AS e
        WHERE e.type = ANY (${textArray(types)}::text[]) LIMIT 1),
      (SELECT min(position) FROM (${newest}) AS e)) AS position
    FROM unnest(${numberArray(roomNids)}::bigint[]) AS room (nid)`;
  return new Map(rows.flatMap(({ nid, position }) => (position === null ? [] : [[nid, position]])));
}

/** The types in the create events of rooms that this server is or was in; null: there is none. */
export async function roomTypes(
  sql: Sql,
  roomNids: readonly number[],
): Promise<Map<number, string | null>> {
  // Most rooms have no type; to see that, the text need not be parsed.
  const rows = await sql<{ nid: number; type: string | null }[]>`
    SELECT c.room_nid AS nid,
      CASE WHEN e.json LIKE '%"type":%"type":%' AND
                jsonb_typeof(e.json::jsonb -> 'content' -> 'type') = 'string'
           THEN e.json::jsonb -> 'content' ->> 'type' END AS type
    FROM current_state c JOIN events e USING (event_nid)
    WHERE c.type = 'm.room.create' AND c.state_key = ''
      AND c.room_nid = ANY (${numberArray(roomNids)}::bigint[])`;
  return new Map(rows.map(({ nid, type }) => [nid, type]));
}

/** Whether rooms that this server is or was in are encrypted. */
export async function roomEncryption(
  sql: Sql,
  roomNids: readonly number[],
): Promise<Map<number, boolean>> {
  const rows = await sql<{ nid: number; isEncrypted: boolean }[]>`
    SELECT c.room_nid AS nid, EXISTS (
      SELECT 1 FROM current_state x
      WHERE x.room_nid = c.room_nid AND x.type = 'm.room.encryption' AND x.state_key = ''
    ) AS "isEncrypted"
    FROM current_state c
    WHERE c.type = 'm.room.create' AND c.state_key = ''
      AND c.room_nid = ANY (${numberArray(roomNids)}::bigint[])`;
  return new Map(rows.map(({ nid, isEncrypted }) => [nid, isEncrypted]));
}

/** A user's account data of some types in all rooms (room nid 0: global). */
export async function accountDataOfTypes(
  sql: Sql,
  userId: string,
  types: readonly string[],
): Promise<{ roomNid: number; type: string; content: string }[]> {
  return sql<{ roomNid: number; type: string; content: string }[]>`
    SELECT room_nid AS "roomNid", type, content FROM account_data
    WHERE user_id = ${userId} AND type = ANY (${textArray(types)}::text[])`;
}
