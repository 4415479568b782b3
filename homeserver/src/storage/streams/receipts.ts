import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

export interface ReceiptRow {
  roomNid: number;
  roomId: string;
  userId: string;
  receiptType: string;
  /** "" for unthreaded. */
  threadId: string;
  eventId: string;
  /** Log position of the event, when known here. */
  eventPosition: number | null;
  /** ms since 1970. */
  ts: number;
}

/** A user's receipt of a type in a room and thread moved. */
export const receipts = defineStream({
  kind: "receipt",
  columns: [
    ["room_nid", "bigint"],
    ["user_id", "text"],
    ["receipt_type", "text"],
    ["thread_id", "text"],
    ["event_id", "text"],
    ["event_position", "bigint"],
    ["ts", "bigint"],
  ],
  values: (row: ReceiptRow) => [
    ...[row.roomNid, keyText(row.userId), keyText(row.receiptType), keyText(row.threadId)],
    ...[keyText(row.eventId), row.eventPosition, row.ts],
  ],
  statements: (from) => [
    `INSERT INTO receipts (room_nid, user_id, receipt_type, thread_id, event_id, event_position,
        ts, position)
      SELECT DISTINCT ON (t.room_nid, t.user_id, t.receipt_type, t.thread_id) t.room_nid,
        t.user_id, t.receipt_type, t.thread_id, t.event_id, t.event_position, t.ts,
        v.base + t.shift ${from}
      ORDER BY t.room_nid, t.user_id, t.receipt_type, t.thread_id, t.n DESC, t.i DESC
      ON CONFLICT (room_nid, user_id, receipt_type, thread_id) DO UPDATE SET
        event_id = excluded.event_id, event_position = excluded.event_position,
        ts = excluded.ts, position = excluded.position`,
  ],
  toRecord: (row): ReceiptRow => row,
  read: (sql, { after, upTo, limit }) => sql<(ReceiptRow & { position: number })[]>`
    SELECT c.position, c.room_nid AS "roomNid", r.room_id AS "roomId", c.user_id AS "userId",
      c.receipt_type AS "receiptType", c.thread_id AS "threadId", c.event_id AS "eventId",
      c.event_position AS "eventPosition", c.ts
    FROM receipts c JOIN rooms r USING (room_nid)
    WHERE c.position > ${after} AND c.position <= ${upTo} ORDER BY c.position LIMIT ${limit}`,
});
