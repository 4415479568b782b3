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

/** The least depth of an event in front of which history is missing; undefined when nothing is. */
export async function lowestGapDepth(sql: Sql | Tx, roomNid: number): Promise<number | undefined> {
  const [row] = await sql<{ depth: number | null }[]>`
    SELECT min(e.depth) AS depth FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid}`;
  return row?.depth ?? undefined;
}
