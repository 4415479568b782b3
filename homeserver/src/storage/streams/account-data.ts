import { defineStream } from "./stream.ts";
import { keyText, plainText } from "./text.ts";

interface AccountDataRow {
  userId: string;
  /** null: global. */
  roomNid: number | null;
  type: string;
  /** JSON object text. */
  content: string;
}

/** A piece of a user's account data was set. */
export const accountData = defineStream({
  kind: "account_data",
  columns: [
    ["user_id", "text"],
    ["room_nid", "bigint"],
    ["type", "text"],
    ["content", "text"],
  ],
  values: ({ userId, roomNid, type, content }: AccountDataRow) => [
    ...[keyText(userId), roomNid ?? 0, keyText(type), plainText(content)],
  ],
  statements: (from) => [
    `INSERT INTO account_data (user_id, room_nid, type, content, position)
      SELECT DISTINCT ON (t.user_id, t.room_nid, t.type)
        t.user_id, t.room_nid, t.type, t.content, v.base + t.shift ${from}
      ORDER BY t.user_id, t.room_nid, t.type, t.n DESC, t.i DESC
      ON CONFLICT (user_id, room_nid, type) DO UPDATE SET content = excluded.content,
        position = excluded.position`,
  ],
  toRecord: (row): AccountDataRow => ({ ...row, roomNid: row.roomNid || null }),
  read: (sql, { after, upTo, limit }) => sql<(AccountDataRow & { position: number })[]>`
    SELECT position, user_id AS "userId", nullif(room_nid, 0) AS "roomNid", type, content
    FROM account_data
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
  bytes: ({ content }) => content.length,
});
