/** What `weft doctor` reads of rooms: in pages, changing nothing. */
import type { EventRow } from "./room-events.ts";
import { byteaArray, type Sql, textArray } from "./sql.ts";

/** An event with the columns that say again what its JSON says. */
export interface ExaminedRow extends EventRow {
  readonly type: string;
  readonly stateKey: string | null;
  readonly sender: string;
  readonly depth: number;
  readonly prevEventIds: string[];
}

/** Rooms with a head, by room id, after one. */
export async function roomsWithHead(sql: Sql, after: string, limit: number): Promise<string[]> {
  const rows = await sql<{ roomId: string }[]>`
    SELECT room_id AS "roomId" FROM rooms JOIN room_heads USING (room_nid)
    WHERE room_id > ${after} ORDER BY room_id LIMIT ${limit}`;
  return rows.map(({ roomId }) => roomId);
}

/** The room's events by nid, after one. */
export async function eventsAfterNid(
  sql: Sql,
  roomNid: number,
  after: number,
  limit: number,
): Promise<ExaminedRow[]> {
  return sql<ExaminedRow[]>`
    SELECT e.event_nid AS nid, e.room_nid AS "roomNid", e.event_id AS "eventId", r.version,
      e.json, e.position, e.ordinal, e.status, e.state_before AS "stateBefore",
      e.state_after AS "stateAfter", e.room_state AS "roomState", e.redacted_by AS "redactedBy",
      e.type, e.state_key AS "stateKey", e.sender, e.depth, e.prev_event_ids AS "prevEventIds"
    FROM (
      SELECT event_nid FROM events WHERE room_nid = ${roomNid} AND event_nid > ${after}
      ORDER BY event_nid LIMIT ${limit}
    ) AS page JOIN events e USING (event_nid) JOIN rooms r USING (room_nid)
    ORDER BY e.event_nid`;
}

/** Those of the nodes that are not stored, in hexadecimal. */
export async function lostNodes(sql: Sql, hashes: readonly Buffer[]): Promise<Set<string>> {
  const rows = await sql<{ hash: Buffer }[]>`
    SELECT DISTINCT h.hash FROM unnest(${byteaArray(hashes)}::bytea[]) AS h (hash)
    LEFT JOIN state_nodes s USING (hash) WHERE s.hash IS NULL`;
  return new Set(rows.map(({ hash }) => hash.toString("hex")));
}

/** Accepted live events on which no accepted event stands, not over refused ones either. */
export async function leavesOf(sql: Sql, roomNid: number): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    WITH RECURSIVE reached (event_id) AS (
      SELECT unnest(prev_event_ids) FROM events
      WHERE room_nid = ${roomNid} AND status = 0 AND state_after IS NOT NULL
      UNION
      SELECT unnest(e.prev_event_ids) FROM reached JOIN events e USING (event_id)
      WHERE e.status <> 0
    )
    SELECT e.event_nid AS nid FROM events e LEFT JOIN reached USING (event_id)
    WHERE e.room_nid = ${roomNid} AND e.status = 0 AND e.position IS NOT NULL AND e.ordinal = 0
      AND reached.event_id IS NULL
    ORDER BY e.event_nid`;
  return rows.map(({ nid }) => nid);
}

/** What current_state and memberships hold of these keys. */
export async function currentRows(
  sql: Sql,
  roomNid: number,
  keys: readonly (readonly [type: string, stateKey: string])[],
): Promise<{ type: string; stateKey: string; eventNid: number; membership: string | null }[]> {
  return sql<{ type: string; stateKey: string; eventNid: number; membership: string | null }[]>`
    SELECT c.type, c.state_key AS "stateKey", c.event_nid AS "eventNid", m.membership
    FROM unnest(${textArray(keys.map(([type]) => type))}::text[],
                ${textArray(keys.map(([, stateKey]) => stateKey))}::text[]) AS k (type, state_key)
    JOIN current_state c ON c.room_nid = ${roomNid} AND c.type = k.type AND c.state_key = k.state_key
    LEFT JOIN memberships m ON k.type = 'm.room.member' AND m.room_nid = c.room_nid
      AND m.user_id = c.state_key`;
}

/** Rows of current_state by key, after one. */
export async function currentKeysAfter(
  sql: Sql,
  roomNid: number,
  after: readonly [type: string, stateKey: string],
  limit: number,
): Promise<[type: string, stateKey: string][]> {
  const rows = await sql<{ type: string; stateKey: string }[]>`
    SELECT type, state_key AS "stateKey" FROM current_state
    WHERE room_nid = ${roomNid} AND (type, state_key) > (${after[0]}, ${after[1]})
    ORDER BY type, state_key LIMIT ${limit}`;
  return rows.map(({ type, stateKey }) => [type, stateKey]);
}

/** Joined members without an entry in current_state. */
export async function strayMembers(sql: Sql, roomNid: number, limit: number): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships m
    WHERE room_nid = ${roomNid} AND membership = 'join' AND NOT EXISTS (
      SELECT 1 FROM current_state c
      WHERE c.room_nid = m.room_nid AND c.type = 'm.room.member' AND c.state_key = m.user_id)
    ORDER BY user_id LIMIT ${limit}`;
  return rows.map(({ userId }) => userId);
}
