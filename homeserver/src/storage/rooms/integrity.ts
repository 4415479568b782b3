/** Queries of `weft doctor` about rooms: in pages, changing nothing. */
import type { EventRow } from "./events.ts";
import { numberArray, type Sql, textArray } from "../sql.ts";

/** An event with the columns that repeat parts of its JSON. */
export interface CheckedRow extends EventRow {
  readonly type: string;
  readonly stateKey: string | null;
  readonly sender: string;
  readonly depth: number;
  readonly prevEventIds: string[];
  readonly authNids: number[];
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
): Promise<CheckedRow[]> {
  return sql<CheckedRow[]>`
    SELECT e.event_nid AS nid, e.room_nid AS "roomNid", e.event_id AS "eventId", coalesce(e.version, r.version) AS version,
      e.json, e.position, e.ordinal, e.status, e.state_before AS "stateBefore",
      e.state_after AS "stateAfter", e.room_state AS "roomState", e.redacted_by AS "redactedBy",
      e.type, e.state_key AS "stateKey", e.sender, e.depth, e.prev_event_ids AS "prevEventIds",
      e.auth_nids AS "authNids"
    FROM (
      SELECT event_nid FROM events WHERE room_nid = ${roomNid} AND event_nid > ${after}
      ORDER BY event_nid LIMIT ${limit}
    ) AS page JOIN events e USING (event_nid) JOIN rooms r USING (room_nid)
    ORDER BY e.event_nid`;
}

/** A faulty entry of a state tree. */
export interface FaultyEntryRow {
  readonly tuple: number;
  readonly nid: number;
  /** The key that the tuple stands for; null: there is no such tuple. */
  readonly type: string | null;
  readonly stateKey: string | null;
  /**
   * The room of the event that the entry names, and whether the event's key matches the tuple;
   * null: there is no event with that nid.
   */
  readonly roomNid: number | null;
  readonly isOfKey: boolean | null;
}

/**
 * Those of the entries of a room's states whose event is not stored, belongs to another room, or
 * has another key.
 */
export async function faultyEntries(
  sql: Sql,
  roomNid: number,
  entries: readonly (readonly [tuple: number, nid: number])[],
): Promise<FaultyEntryRow[]> {
  return sql<FaultyEntryRow[]>`
    SELECT * FROM (
      SELECT s.tuple, s.nid, t.type, t.state_key AS "stateKey", e.room_nid AS "roomNid",
        e.type = t.type AND e.state_key = t.state_key AS "isOfKey"
      FROM unnest(${numberArray(entries.map(([tuple]) => tuple))}::bigint[],
                  ${numberArray(entries.map(([, nid]) => nid))}::bigint[]) AS s (tuple, nid)
      LEFT JOIN state_tuples t ON t.tuple_nid = s.tuple
      LEFT JOIN events e ON e.event_nid = s.nid
    ) AS entry
    WHERE entry."isOfKey" IS NOT TRUE OR entry."roomNid" <> ${roomNid}`;
}

/** The numbers of events, those that are stored, with the room that they are in. */
export async function numbersOfEvents(
  sql: Sql,
  eventIds: readonly string[],
): Promise<{ eventId: string; nid: number; roomNid: number }[]> {
  return sql<{ eventId: string; nid: number; roomNid: number }[]>`
    SELECT event_id AS "eventId", event_nid AS nid, room_nid AS "roomNid" FROM events
    WHERE event_id = ANY (${textArray(eventIds)}::text[])`;
}

/** Those of the numbers that an event has. */
export async function storedNumbers(sql: Sql, nids: readonly number[]): Promise<Set<number>> {
  const rows = await sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
  return new Set(rows.map(({ nid }) => nid));
}

/**
 * Accepted events outside the graph that the current state contains, or that authorise events of
 * the graph, although all their prev events are in it: they were lost on their way. Not those in
 * the staging area, nor those below the depth from which history is known.
 */
export async function lostEvents(
  sql: Sql,
  roomNid: number,
  fromDepth: number,
): Promise<{ nid: number; eventId: string; sender: string; json: string }[]> {
  return sql<{ nid: number; eventId: string; sender: string; json: string }[]>`
    SELECT e.event_nid AS nid, e.event_id AS "eventId", e.sender, e.json FROM events e
    WHERE e.room_nid = ${roomNid} AND e.status = 0 AND e.position IS NULL AND e.state_after IS NULL
      AND e.depth >= ${fromDepth} AND cardinality(e.prev_event_ids) > 0
      AND NOT EXISTS (SELECT 1 FROM staged_events s WHERE s.event_id = e.event_id)
      AND NOT EXISTS (
        SELECT 1 FROM unnest(e.prev_event_ids) AS id LEFT JOIN events p
          ON p.event_id = id AND p.room_nid = e.room_nid
            AND (p.position IS NOT NULL OR p.state_after IS NOT NULL)
        WHERE p.event_id IS NULL)
      AND (
        EXISTS (SELECT 1 FROM current_state c
          WHERE c.room_nid = e.room_nid AND c.event_nid = e.event_nid)
        OR EXISTS (SELECT 1 FROM events n
          WHERE n.room_nid = e.room_nid AND (n.position IS NOT NULL OR n.state_after IS NOT NULL)
            AND e.event_nid = ANY (n.auth_nids)))
    ORDER BY e.event_nid`;
}

/** Whether some of the room's history was purged. */
export async function wasPurged(sql: Sql, roomNid: number): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM rooms WHERE room_nid = ${roomNid} AND purged_depth IS NOT NULL`;
  return rows.length > 0;
}

/** Accepted live events on which no accepted event builds, not even over refused ones. */
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

/** What current_state and memberships hold of a key. */
export interface CurrentRow {
  readonly type: string;
  readonly stateKey: string;
  readonly eventNid: number;
  /** null: memberships has no row for the user, or the key is no member's. */
  readonly membership: string | null;
  readonly memberNid: number | null;
}

/** What current_state and memberships hold of these keys. */
export async function currentRows(
  sql: Sql,
  roomNid: number,
  keys: readonly (readonly [type: string, stateKey: string])[],
): Promise<CurrentRow[]> {
  return sql<CurrentRow[]>`
    SELECT c.type, c.state_key AS "stateKey", c.event_nid AS "eventNid", m.membership,
      m.event_nid AS "memberNid"
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
