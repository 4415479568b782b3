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
