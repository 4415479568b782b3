import { numberArray, type Sql } from "../sql.ts";

/** A receipt in a room. */
export interface ReceiptOfRoom {
  readonly userId: string;
  readonly receiptType: string;
  readonly threadId: string;
  readonly eventId: string;
  readonly ts: number;
}

/** Receipts of a room whose position lies in (after, upTo]; private ones only of the reader. */
export async function receiptsBetween(
  sql: Sql,
  range: { roomNid: number; reader: string; after: number; upTo: number },
): Promise<ReceiptOfRoom[]> {
  return sql<ReceiptOfRoom[]>`
    SELECT user_id AS "userId", receipt_type AS "receiptType", thread_id AS "threadId",
           event_id AS "eventId", ts
    FROM receipts
    WHERE room_nid = ${range.roomNid} AND position > ${range.after} AND position <= ${range.upTo}
      AND (receipt_type <> 'm.read.private' OR user_id = ${range.reader})`;
}

/**
 * Those of the rooms that had an event, a receipt or a change of the user's account data after a
 * position.
 */
export async function touchedRooms(
  sql: Sql,
  range: { userId: string; roomNids: readonly number[]; after: number },
): Promise<Set<number>> {
  const { userId, after } = range;
  const rows = await sql<{ roomNid: number }[]>`
    SELECT room.nid AS "roomNid" FROM unnest(${numberArray(range.roomNids)}::bigint[]) AS room (nid)
    WHERE EXISTS (SELECT 1 FROM events e WHERE e.room_nid = room.nid AND e.position > ${after}
              AND e.position IS NOT NULL AND e.status = 0)
       OR EXISTS (SELECT 1 FROM receipts r WHERE r.room_nid = room.nid AND r.position > ${after})
       OR EXISTS (SELECT 1 FROM account_data a WHERE a.user_id = ${userId} AND a.room_nid = room.nid
                    AND a.position > ${after})`;
  return new Set(rows.map((row) => row.roomNid));
}

/**
 * How far a user has read a room: thread id ('' unthreaded, 'main') → log position up to which live
 * events are read. History stands in front of the live event at its position, and counts as read
 * only with that event.
 */
export async function readPositions(
  sql: Sql,
  userId: string,
  roomNid: number,
): Promise<Map<string, number>> {
  const rows = await sql<{ threadId: string; position: number }[]>`
    SELECT r.thread_id AS "threadId", 
      max(CASE WHEN e.ordinal < 0 THEN e.position - 1
               ELSE COALESCE(r.event_position, e.position, 0) END) AS position
    FROM receipts r LEFT JOIN events e ON e.event_id = r.event_id
    WHERE r.user_id = ${userId} AND r.room_nid = ${roomNid}
    GROUP BY r.thread_id`;
  return new Map(rows.map((row) => [row.threadId, row.position]));
}

/** A user's account data of a room (0: global) whose position lies in (after, upTo]. */
export async function accountDataBetween(
  sql: Sql,
  range: { userId: string; roomNid: number; after: number; upTo: number },
): Promise<{ type: string; content: string }[]> {
  return sql<{ type: string; content: string }[]>`
    SELECT type, content FROM account_data
    WHERE user_id = ${range.userId} AND room_nid = ${range.roomNid}
      AND position > ${range.after} AND position <= ${range.upTo}`;
}
