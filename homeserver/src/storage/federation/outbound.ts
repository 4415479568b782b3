import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import { numberArray, type Sql, type Tx, textArray } from "../sql.ts";

/** How far a server has what it is owed, in log positions. */
export interface DestinationRow {
  readonly server: ServerName;
  readonly sent: number;
  readonly wanted: number;
  /** When it last took something, ms since 1970; absent: nothing since this was begun. */
  readonly deliveredTs?: number | undefined;
}

/** Servers that have not been sent everything meant for them, or were sent something lately. */
export async function destinationsAfter(
  sql: Sql | Tx,
  position: number,
): Promise<DestinationRow[]> {
  return sql<DestinationRow[]>`
    SELECT server, sent_position AS sent, wanted_position AS wanted
    FROM destinations WHERE wanted_position > sent_position OR wanted_position > ${position}`;
}

/**
 * Notes how far servers are and shall be; positions only move forward, and a server may be named
 * twice.
 */
export async function saveDestinations(
  sql: Sql | Tx,
  rows: readonly DestinationRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO destinations (server, sent_position, wanted_position, delivered_ts)
    SELECT server, max(sent), max(wanted), nullif(max(delivered), 0) FROM unnest(
      ${textArray(rows.map((row) => row.server))}::text[],
      ${numberArray(rows.map((row) => row.sent))}::bigint[],
      ${numberArray(rows.map((row) => row.wanted))}::bigint[],
      ${numberArray(rows.map((row) => row.deliveredTs ?? 0))}::bigint[])
      AS row (server, sent, wanted, delivered)
    GROUP BY server ORDER BY server
    ON CONFLICT (server) DO UPDATE SET
      sent_position = GREATEST(destinations.sent_position, excluded.sent_position),
      wanted_position = GREATEST(destinations.wanted_position, excluded.wanted_position),
      delivered_ts = GREATEST(destinations.delivered_ts, excluded.delivered_ts)`;
}

/**
 * The next accepted live events to send to another server, oldest first: of rooms that it is in
 * now, or about one of its users (who may have left by that event). `settled`: one of its users is
 * known to have been joined before the event; otherwise the room's state at that time must be
 * checked.
 */
export async function eventsForDestination(
  sql: Sql | Tx,
  range: { server: ServerName; ours: ServerName; after: number; upTo: number; limit: number },
): Promise<{ nid: number; position: number; settled: boolean }[]> {
  const { server, ours, after, upTo } = range;
  return sql<{ nid: number; position: number; settled: boolean }[]>`
    SELECT e.event_nid AS nid, e.position,
      EXISTS (SELECT 1 FROM memberships m
              WHERE m.room_nid = e.room_nid AND m.server = ${server} AND m.membership = 'join'
                AND m.position <= e.position) AS settled
    FROM events e
    WHERE e.position > ${after} AND e.position <= ${upTo} AND e.position IS NOT NULL
      AND e.ordinal = 0 AND e.status = 0
      AND NOT e.handed_over AND (e.forwarded OR substr(e.sender, strpos(e.sender, ':') + 1) = ${ours})
      AND substr(e.sender, strpos(e.sender, ':') + 1) <> ${server}
      AND (NOT e.forwarded OR e.sender = e.state_key
           OR substr(e.state_key, strpos(e.state_key, ':') + 1) = ${server})
      AND (EXISTS (
             SELECT 1 FROM memberships m
             WHERE m.room_nid = e.room_nid AND m.server = ${server} AND m.membership = 'join')
           OR (e.type = 'm.room.member'
               AND substr(e.state_key, strpos(e.state_key, ':') + 1) = ${server}))
    ORDER BY e.position LIMIT ${range.limit}`;
}

/**
 * The same for a server that has missed much: the newest local event of each room that it is in
 * now, from which it finds the others; the events by which its users were removed from rooms; and
 * our users' events that are still sticky. The cost depends on the number of rooms, not on what was missed.
 */
export async function newestForDestination(
  sql: Sql | Tx,
  range: {
    readonly server: ServerName;
    readonly ours: ServerName;
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
    /** ms since 1970. */
    readonly now: number;
  },
): Promise<{ nid: number; position: number; settled: boolean }[]> {
  const { server, ours, after, upTo, limit, now } = range;
  return sql<{ nid: number; position: number; settled: boolean }[]>`
    SELECT nid, position, settled FROM (
      SELECT newest.nid, newest.position, room.since <= newest.position AS settled
      FROM (SELECT room_nid, min(position) AS since FROM memberships
            WHERE server = ${server} AND membership = 'join' GROUP BY room_nid) room
      CROSS JOIN LATERAL (
        SELECT e.event_nid AS nid, e.position FROM events e
        WHERE e.room_nid = room.room_nid AND e.position > ${after} AND e.position <= ${upTo}
          AND e.ordinal = 0 AND e.status = 0
          AND NOT e.handed_over AND (e.forwarded OR substr(e.sender, strpos(e.sender, ':') + 1) = ${ours})
          AND substr(e.sender, strpos(e.sender, ':') + 1) <> ${server}
        ORDER BY e.position DESC LIMIT 1) newest
      UNION
      SELECT e.event_nid, e.position, false
      FROM memberships m JOIN events e ON e.event_nid = m.event_nid
      WHERE m.server = ${server} AND m.membership IN ('leave', 'ban')
        AND e.position > ${after} AND e.position <= ${upTo} AND e.ordinal = 0 AND e.status = 0
        AND NOT e.handed_over
        AND (e.forwarded OR substr(e.sender, strpos(e.sender, ':') + 1) = ${ours})
        AND substr(e.sender, strpos(e.sender, ':') + 1) <> ${server}
      UNION
      SELECT e.event_nid, e.position, false
      FROM (SELECT DISTINCT room_nid FROM memberships
            WHERE server = ${server} AND membership = 'join') room
      JOIN sticky_events s ON s.room_nid = room.room_nid AND s.server = ${ours}
      JOIN events e ON e.event_nid = s.event_nid
      WHERE NOT s.has_failed AND s.expires_ts > ${now}
        AND e.position > ${after} AND e.position <= ${upTo} AND e.ordinal = 0 AND e.status = 0
        AND NOT e.handed_over
    ) found ORDER BY position LIMIT ${limit}`;
}

/** Positions of joins; at most `limit` of them. */
export interface JoinsRange {
  readonly server: ServerName;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** The newest event that a join does not build on. */
export interface MissedAtJoin {
  /** Of the join. */
  readonly position: number;
  readonly eventId: EventId;
}

/**
 * For joins of a server's users that came through this server, and are in force: the newest event
 * that each does not build on, and nothing else does. It was accepted between make_join and
 * send_join, when the server was not in the room.
 */
export async function eventsMissedAtJoins(
  sql: Sql | Tx,
  range: JoinsRange,
): Promise<MissedAtJoin[]> {
  const { server, after, upTo } = range;
  return sql<MissedAtJoin[]>`
    SELECT j.position, missed.event_id AS "eventId"
    FROM events j
    JOIN memberships m ON m.room_nid = j.room_nid AND m.user_id = j.sender
      AND m.event_nid = j.event_nid AND m.membership = 'join'
    JOIN room_heads h ON h.room_nid = j.room_nid
    CROSS JOIN LATERAL (
      SELECT e.event_id FROM events e
      WHERE e.event_nid = ANY (h.extremities) AND e.position < j.position AND e.status = 0
      ORDER BY e.position DESC LIMIT 1) missed
    WHERE j.position > ${after} AND j.position <= ${upTo} AND j.position IS NOT NULL
      AND j.ordinal = 0 AND j.status = 0 AND j.forwarded AND j.type = 'm.room.member'
      AND substr(j.sender, strpos(j.sender, ':') + 1) = ${server}
    ORDER BY j.position LIMIT ${range.limit}`;
}

/** Whether the event came to this server first, which forwarded it to the others in the room. */
export async function wasForwarded(sql: Sql | Tx, eventNid: number): Promise<boolean> {
  const [row] = await sql<{ forwarded: boolean }[]>`
    SELECT forwarded FROM events WHERE event_nid = ${eventNid}`;
  return row?.forwarded ?? false;
}

/** Whether a local event is outside of its room's graph and no other server has heard of it. */
export async function isUnknownToOthers(sql: Sql | Tx, eventNid: number): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM events WHERE event_nid = ${eventNid} AND position IS NULL AND NOT handed_over
      AND sender = state_key`;
  return rows.length > 0;
}
