import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface ErasureRow {
  userId: string;
}

/** A local account was erased: users who join a room later get redacted copies of its events. */
export const erasures = defineStream({
  kind: "erasure",
  columns: [["user_id", "text"]],
  values: ({ userId }: ErasureRow) => [keyText(userId)],
  statements: (from) => [
    `INSERT INTO erased_users (user_id, position)
      SELECT DISTINCT ON (t.user_id) t.user_id, v.base + t.shift ${from} ORDER BY t.user_id, t.shift
      ON CONFLICT (user_id) DO NOTHING`,
    // Appends write these with the log's lock held: to delete it before that is taken would
    // be a deadlock.
    `DELETE FROM account_data a USING (SELECT DISTINCT t.user_id ${from}) AS l
      WHERE a.user_id = l.user_id`,
    `DELETE FROM thread_subscriptions s USING (SELECT DISTINCT t.user_id ${from}) AS l
      WHERE s.user_id = l.user_id`,
  ],
  toRecord: ({ userId }): ErasureRow => ({ userId }),
  read: (sql, { after, upTo, limit }) => sql<{ userId: string; position: number }[]>`
    SELECT user_id AS "userId", position FROM erased_users
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});
