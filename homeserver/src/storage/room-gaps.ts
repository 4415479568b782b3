import { textArray } from "./sql.ts";
import type { Sql, Tx } from "./sql.ts";

/** Which of these events are awaited by events that name them, and where those stand. */
export async function awaitedEvents(
  sql: Sql | Tx,
  roomNid: number,
  eventIds: readonly string[],
): Promise<{ eventId: string; position: number; ordinal: number }[]> {
  return sql<{ eventId: string; position: number; ordinal: number }[]>`
    SELECT m.event_id AS "eventId", e.position, e.ordinal
    FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid} AND m.event_id = ANY (${textArray(eventIds)}::text[])
      AND e.position IS NOT NULL
    ORDER BY e.position DESC, e.ordinal DESC`;
}

/** Whether an accepted event names this one, which is not here yet. */
export async function isAwaited(sql: Sql | Tx, roomNid: number, eventId: string): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid} AND m.event_id = ${eventId} AND e.status = 0 LIMIT 1`;
  return rows.length > 0;
}

/**
 * The depth up to which history is not here: the least of an event in front of which something is missing, or what was
 * purged. Undefined when there is all of it.
 */
export async function lowestGapDepth(sql: Sql | Tx, roomNid: number): Promise<number | undefined> {
  const [row] = await sql<{ depth: number | null }[]>`
    SELECT greatest(min(e.depth), (SELECT purged_depth FROM rooms WHERE room_nid = ${roomNid})) AS depth
    FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid}`;
  return row?.depth ?? undefined;
}
