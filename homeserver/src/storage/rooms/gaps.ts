import { textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** A missing event, and the position of an event that names it. */
export interface AwaitedEvent {
  readonly eventId: string;
  readonly position: number;
  readonly ordinal: number;
  /** The one that names it is accepted. */
  readonly isByAccepted: boolean;
}

/**
 * Which of these events are missing prev events of others, and the positions of those; newest
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
 * Which events name an arriving one: accepted ones that waited for it (there is a gap), and ones
 * that were not accepted, in the graph or not.
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

/** Limit on the room's newest accepted events that are examined. */
const MAX_LOOKED_AT = 2_000;

/** Events that are not in the tables yet. */
export interface ComingEvents {
  /** The prev events of accepted ones that are in the graph. */
  readonly byAccepted: readonly string[];
  /** The same for the others, as pairs with each prev event. */
  readonly byRefused: readonly (readonly [eventId: string, prevEventId: string])[];
}

/**
 * Whether one of the room's newest accepted events builds on this one, directly or over events that
 * are not accepted. For an event that was missing, or not accepted, when they arrived.
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
 * History is missing below this depth: that of the lowest event with a gap before it, or of the
 * first one that was not purged. An event of the same depth is no ancestor of that one, but was
 * sent at the same time. Undefined when all history is here.
 */
export async function firstKnownDepth(sql: Sql | Tx, roomNid: number): Promise<number | undefined> {
  const [row] = await sql<{ depth: number | null }[]>`
    SELECT greatest(min(e.depth),
      (SELECT purged_depth + 1 FROM rooms WHERE room_nid = ${roomNid})) AS depth
    FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid}`;
  return row?.depth ?? undefined;
}
