/** Rooms whose state is or was partial. */
import { numberArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

export interface PartialRoomRow {
  roomNid: number;
  joinNid: number;
  servers: string[];
  fetched: boolean;
  complete: boolean;
  /** Log position of the beginning, or of the completion. */
  position: number;
}

const columns = (sql: Sql | Tx) =>
  sql`room_nid AS "roomNid", join_nid AS "joinNid", servers, fetched, complete, position`;

export async function partialRoomsByNids(
  sql: Sql | Tx,
  nids: readonly number[],
): Promise<PartialRoomRow[]> {
  return sql<PartialRoomRow[]>`
    SELECT ${columns(sql)} FROM partial_rooms
    WHERE room_nid = ANY (${numberArray(nids)}::bigint[])`;
}

/** Rooms that are due, the longest due first. `now` is ms since 1970. */
export async function partialRoomsDue(
  sql: Sql | Tx,
  now: number,
  limit: number,
): Promise<PartialRoomRow[]> {
  return sql<PartialRoomRow[]>`
    SELECT ${columns(sql)} FROM partial_rooms WHERE NOT complete AND next_try <= ${now}
    ORDER BY next_try LIMIT ${limit}`;
}

/** When the next one is due, ms since 1970. */
export async function nextPartialDue(sql: Sql | Tx): Promise<number | undefined> {
  const [row] = await sql<{ due: number | null }[]>`
    SELECT min(next_try) AS due FROM partial_rooms WHERE NOT complete`;
  return row?.due ?? undefined;
}

export async function postponePartial(
  sql: Sql | Tx,
  roomNid: number,
  nextTry: number,
): Promise<void> {
  await sql`UPDATE partial_rooms SET next_try = ${nextTry} WHERE room_nid = ${roomNid}`;
}

/** Removes the row of a deleted room. */
export async function removePartial(sql: Sql | Tx, roomNid: number): Promise<void> {
  await sql`DELETE FROM partial_rooms WHERE room_nid = ${roomNid}`;
}

/** An event that has a state, without its text. */
export interface StatedEventRow {
  nid: number;
  roomState: Buffer | null;
}

/** Events of a room that have a state, from a log position on, and refused ones of any time. */
export async function statedEventsSince(
  sql: Sql | Tx,
  roomNid: number,
  position: number,
): Promise<StatedEventRow[]> {
  return sql<StatedEventRow[]>`
    SELECT event_nid AS nid, room_state AS "roomState" FROM events
    WHERE room_nid = ${roomNid} AND position >= ${position} AND position IS NOT NULL
      AND status = 0 AND state_after IS NOT NULL
    UNION ALL
    SELECT event_nid, room_state FROM events
    WHERE room_nid = ${roomNid} AND status <> 0 AND state_after IS NOT NULL`;
}

export interface MemberRow {
  nid: number;
  type: string;
  stateKey: string;
  /** PDU's text. */
  json: string;
}

/** State events with their keys. */
export async function stateEventTexts(
  sql: Sql | Tx,
  nids: readonly number[],
): Promise<MemberRow[]> {
  return sql<MemberRow[]>`
    SELECT event_nid AS nid, type, state_key AS "stateKey", json FROM events
    WHERE event_nid = ANY (${numberArray(nids)}::bigint[]) AND state_key IS NOT NULL`;
}

/** Rejected events of a room that have a state before them, by which they were judged. */
export async function rejectedWithState(sql: Sql | Tx, roomNid: number): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events
    WHERE room_nid = ${roomNid} AND status = 2 AND state_after IS NOT NULL ORDER BY depth, nid`;
  return rows.map((row) => row.nid);
}
