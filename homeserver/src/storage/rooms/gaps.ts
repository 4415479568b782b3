import { textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** An event that is missing, and the place of one that names it. */
export interface AwaitedEvent {
  readonly eventId: string;
  readonly position: number;
  readonly ordinal: number;
  /** The one that names it is accepted. */
  readonly isByAccepted: boolean;
}

/**
 * Which of these events are awaited by events that name them, and where those stand; the newest
 * first.
 */
export async function awaitedEvents(
  sql: Sql | Tx,
  roomNid: number,
  eventIds: readonly string[],
): Promise<AwaitedEvent[]> {
  return sql<AwaitedEvent[]>`
    SELECT m.event_id AS "eventId", e.position, e.ordinal, e.status = 0 AS "isByAccepted"
    FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid} AND m.event_id = ANY (${textArray(eventIds)}::text[])
      AND e.position IS NOT NULL
    ORDER BY e.position DESC, e.ordinal DESC`;
}

/**
 * Who names an event that comes: accepted events that awaited it (which make a gap), and any that
 * were not accepted, with a place or without.
 */
export async function namedBy(
  sql: Sql | Tx,
  roomNid: number,
  eventId: string,
): Promise<{ accepted: boolean; refused: boolean }> {
  const [row] = await sql<{ accepted: boolean; refused: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
      WHERE m.room_nid = ${roomNid} AND m.event_id = ${eventId} AND e.status = 0) AS accepted,
    EXISTS (
      SELECT 1 FROM events
      WHERE room_nid = ${roomNid} AND status <> 0
        AND ${eventId} = ANY (prev_event_ids)) AS refused`;
  return row ?? { accepted: false, refused: false };
}

/** Of a room's newest accepted events so many are looked at. */
const MAX_LOOKED_AT = 2_000;

/** Events that are not in the tables yet. */
export interface ComingEvents {
  /** What those that are accepted, and have their place, name as prev events. */
  readonly byAccepted: readonly string[];
  /** The same of the others, one pair a prev event. */
  readonly byRefused: readonly (readonly [eventId: string, prevEventId: string])[];
}

/**
 * Whether one of the room's newest accepted events stands on this one, itself or over events that
 * are not accepted. Of an event that was missing, or not accepted, when they came.
 */
export async function isStoodOn(
  sql: Sql | Tx,
  roomNid: number,
  eventId: string,
  { byAccepted, byRefused }: ComingEvents,
): Promise<boolean> {
  const rows = await sql`
    WITH RECURSIVE newest AS (
      SELECT prev_event_ids FROM events
      WHERE room_nid = ${roomNid} AND position IS NOT NULL AND status = 0
      ORDER BY position DESC LIMIT ${MAX_LOOKED_AT}
    ), stored AS (
      SELECT event_id, prev_event_ids FROM events
      WHERE room_nid = ${roomNid} AND status <> 0 LIMIT ${MAX_LOOKED_AT}
    ), refused AS MATERIALIZED (
      SELECT event_id, unnest(prev_event_ids) AS prev FROM stored
      UNION ALL
      SELECT * FROM unnest(${textArray(byRefused.map(([id]) => id))}::text[],
                           ${textArray(byRefused.map(([, prev]) => prev))}::text[])
    ), reached (event_id) AS (
      (SELECT unnest(prev_event_ids) FROM newest
       UNION ALL SELECT unnest(${textArray(byAccepted)}::text[]))
      UNION
      SELECT refused.prev FROM reached JOIN refused USING (event_id)
    )
    SELECT 1 FROM reached WHERE event_id = ${eventId} LIMIT 1`;
  return rows.length > 0;
}

/**
 * The depth up to which history is not here: the least of an event in front of which something is
 * missing, or what was purged. Undefined when there is all of it.
 */
export async function lowestGapDepth(sql: Sql | Tx, roomNid: number): Promise<number | undefined> {
  const [row] = await sql<{ depth: number | null }[]>`
    SELECT greatest(min(e.depth), (SELECT purged_depth FROM rooms WHERE room_nid = ${roomNid})) AS depth
    FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid}`;
  return row?.depth ?? undefined;
}
