import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** A verified event that waits for what it builds on. */
export interface StagedRow {
  eventId: string;
  origin: string;
  json: string;
  attempts: number;
}

/**
 * Stages events, as long as the room and the origin have fewer than the limits. Returns those that
 * are staged, now or before. One statement.
 */
export async function insertStaged(
  sql: Sql | Tx,
  origin: string,
  roomNid: number,
  events: readonly { eventId: string; json: string }[],
  times: { receivedTs: number; nextTry: number },
  limits: { perRoom: number; perOrigin: number },
): Promise<string[]> {
  const rows = await sql<{ eventId: string }[]>`
    WITH brought AS (
      SELECT b.event_id, b.json, s.event_id IS NOT NULL AS present,
        count(*) FILTER (WHERE s.event_id IS NULL) OVER (ORDER BY b.i) AS n
      FROM unnest(${textArray(events.map(({ eventId }) => eventId))}::text[],
                  ${textArray(events.map(({ json }) => json))}::text[])
        WITH ORDINALITY AS b (event_id, json, i)
      LEFT JOIN staged_events s USING (event_id)
    ), held AS (
      SELECT (SELECT count(*) FROM staged_events WHERE room_nid = ${roomNid}) AS in_room,
             (SELECT count(*) FROM staged_events WHERE origin = ${origin}) AS of_origin
    ), kept AS (
      INSERT INTO staged_events (event_id, room_nid, origin, json, received_ts, next_try)
      SELECT b.event_id, ${roomNid}, ${origin}, b.json, ${times.receivedTs}, ${times.nextTry}
      FROM brought b, held h
      WHERE NOT b.present AND h.in_room + b.n <= ${limits.perRoom}
        AND h.of_origin + b.n <= ${limits.perOrigin}
      ORDER BY b.event_id
      ON CONFLICT (event_id) DO NOTHING
      RETURNING event_id
    )
    SELECT event_id AS "eventId" FROM kept
    UNION ALL SELECT event_id FROM brought WHERE present`;
  return rows.map((row) => row.eventId);
}

/** How many events of a server wait in a room. */
export async function countStaged(sql: Sql | Tx, origin: string, roomNid: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*)::int AS count FROM staged_events
    WHERE origin = ${origin} AND room_nid = ${roomNid}`;
  return row?.count ?? 0;
}

/** Rooms with events that are due, those that have waited longest first, but for some. */
export async function roomsWithStaged(
  sql: Sql | Tx,
  now: number,
  limit: number,
  without: readonly number[],
): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    SELECT room_nid AS "roomNid" FROM staged_events
    WHERE next_try <= ${now} AND room_nid <> ALL (${numberArray(without)}::bigint[])
    GROUP BY room_nid ORDER BY min(next_try) LIMIT ${limit}`;
  return rows.map((row) => row.roomNid);
}

/** A room's events that are due, those that came first first. */
export async function stagedInRoom(
  sql: Sql | Tx,
  roomNid: number,
  now: number,
  limit: number,
): Promise<StagedRow[]> {
  return sql<StagedRow[]>`
    SELECT event_id AS "eventId", origin, json, attempts FROM staged_events
    WHERE room_nid = ${roomNid} AND next_try <= ${now}
    ORDER BY received_ts, event_id LIMIT ${limit}`;
}

/** When the next event is due outside of these rooms, ms since 1970; undefined when none waits. */
export async function nextStagedDue(
  sql: Sql | Tx,
  without: readonly number[],
): Promise<number | undefined> {
  const [row] = await sql<{ due: number | null }[]>`
    SELECT min(next_try) AS due FROM staged_events
    WHERE room_nid <> ALL (${numberArray(without)}::bigint[])`;
  return row?.due ?? undefined;
}

/** They're placed, refused for good, or given up. */
export async function removeStaged(sql: Sql | Tx, eventIds: readonly string[]): Promise<void> {
  await sql`
    WITH gone AS (
      SELECT event_id FROM staged_events WHERE event_id = ANY (${textArray(eventIds)}::text[])
      ORDER BY event_id FOR UPDATE)
    DELETE FROM staged_events WHERE event_id IN (SELECT event_id FROM gone)`;
}

/** Nothing waits in the room any more. */
export async function removeStagedOf(sql: Sql | Tx, roomNid: number): Promise<void> {
  await sql`
    WITH gone AS (
      SELECT event_id FROM staged_events WHERE room_nid = ${roomNid} ORDER BY event_id FOR UPDATE)
    DELETE FROM staged_events WHERE event_id IN (SELECT event_id FROM gone)`;
}

/** They failed once more. */
export async function postponeStaged(
  sql: Sql | Tx,
  rows: readonly { eventId: string; nextTry: number }[],
): Promise<void> {
  await sql`
    WITH later AS (
      SELECT s.event_id, l.next_try
      FROM unnest(${textArray(rows.map((row) => row.eventId))}::text[],
                  ${numberArray(rows.map((row) => row.nextTry))}::bigint[]) AS l (event_id, next_try)
      JOIN staged_events s USING (event_id) ORDER BY event_id FOR UPDATE OF s)
    UPDATE staged_events s SET attempts = s.attempts + 1, next_try = later.next_try
    FROM later WHERE s.event_id = later.event_id`;
}

/** The room's events that are due wait until then; that counts as no failure. */
export async function deferStaged(
  sql: Sql | Tx,
  roomNid: number,
  { now, nextTry }: { readonly now: number; readonly nextTry: number },
): Promise<void> {
  await sql`
    WITH later AS (
      SELECT event_id FROM staged_events WHERE room_nid = ${roomNid} AND next_try <= ${now}
      ORDER BY event_id FOR UPDATE)
    UPDATE staged_events SET next_try = ${nextTry} WHERE event_id IN (SELECT event_id FROM later)`;
}

/** The room's events (or those of all rooms) are due now. */
export async function makeStagedDue(sql: Sql | Tx, now: number, roomNid?: number): Promise<void> {
  const ofRoom = roomNid === undefined ? sql`` : sql`AND room_nid = ${roomNid}`;
  await sql`
    WITH due AS (
      SELECT event_id FROM staged_events WHERE next_try > ${now} ${ofRoom}
      ORDER BY event_id FOR UPDATE)
    UPDATE staged_events SET next_try = ${now} WHERE event_id IN (SELECT event_id FROM due)`;
}

// Joins through other servers that have been sent, and whose rooms are not built yet.

/** `now`, `until`: ms since 1970. Returns the id by which it is removed. */
export async function insertJoinUnderWay(
  sql: Sql | Tx,
  { roomNid, now, until }: { roomNid: number; now: number; until: number },
): Promise<number> {
  const [row] = await sql<[{ id: number }]>`
    WITH over AS (DELETE FROM joins_under_way WHERE until <= ${now})
    INSERT INTO joins_under_way (room_nid, until) VALUES (${roomNid}, ${until}) RETURNING id`;
  return row.id;
}

export async function removeJoinUnderWay(sql: Sql | Tx, id: number): Promise<void> {
  await sql`DELETE FROM joins_under_way WHERE id = ${id}`;
}

/**
 * Whether a server is in a room, or joins it at this moment. One statement: a join ends after the
 * server is in the room, so that one of the two is always seen.
 */
export async function standingIn(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
  now: number,
): Promise<"joined" | "joining" | "outside"> {
  const [row] = await sql<[{ joined: boolean; joining: boolean }]>`
    SELECT
      EXISTS (SELECT 1 FROM memberships
        WHERE server = ${server} AND room_nid = ${roomNid} AND membership = 'join') AS joined,
      EXISTS (SELECT 1 FROM joins_under_way
        WHERE room_nid = ${roomNid} AND until > ${now}) AS joining`;
  if (row.joined) return "joined";
  return row.joining ? "joining" : "outside";
}
