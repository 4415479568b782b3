import type { Sql } from "./sql.ts";

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

/** How far a user has read a room: thread id ('' unthreaded, 'main') → log position of the event. */
export async function readPositions(
  sql: Sql,
  userId: string,
  roomNid: number,
): Promise<Map<string, number>> {
  const rows = await sql<{ threadId: string; position: number }[]>`
    SELECT r.thread_id AS "threadId", max(COALESCE(r.event_position, e.position, 0)) AS position
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
