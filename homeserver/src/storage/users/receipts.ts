import type { Sql } from "../sql.ts";

/** Forgets a user's receipts in threads of a room but those that moved last. */
export async function trimThreadReceipts(
  sql: Sql,
  key: { roomNid: number; userId: string; receiptType: string },
  max: number,
): Promise<void> {
  await sql`
    DELETE FROM receipts WHERE room_nid = ${key.roomNid} AND user_id = ${key.userId}
      AND receipt_type = ${key.receiptType} AND thread_id NOT IN ('', 'main') AND position < (
        SELECT position FROM receipts WHERE room_nid = ${key.roomNid} AND user_id = ${key.userId}
          AND receipt_type = ${key.receiptType} AND thread_id NOT IN ('', 'main')
        ORDER BY position DESC OFFSET ${max - 1} LIMIT 1)`;
}

/** Where a user's receipt of one type and thread points. */
export async function findReceipt(
  sql: Sql,
  key: { roomNid: number; userId: string; receiptType: string; threadId: string },
): Promise<{ eventId: string; eventPosition: number | null } | undefined> {
  const [row] = await sql<{ eventId: string; eventPosition: number | null }[]>`
    SELECT event_id AS "eventId", event_position AS "eventPosition" FROM receipts
    WHERE room_nid = ${key.roomNid} AND user_id = ${key.userId}
      AND receipt_type = ${key.receiptType} AND thread_id = ${key.threadId}`;
  return row;
}
