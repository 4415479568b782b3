import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface SessionChange {
  userId: string;
}

/** Tokens of a user have ended: every replica must drop its cached tokens of the user. */
export const sessions = defineStream({
  kind: "session",
  columns: [["user_id", "text"]],
  values: ({ userId }: SessionChange) => [keyText(userId)],
  statements: (from) => [
    `INSERT INTO ended_sessions (user_id, position)
      SELECT t.user_id, max(v.base + t.shift) ${from} GROUP BY t.user_id ORDER BY t.user_id
      ON CONFLICT (user_id) DO UPDATE SET position = excluded.position`,
  ],
  toRecord: ({ userId }): SessionChange => ({ userId }),
  read: (sql, { after, upTo, limit }) => sql<(SessionChange & { position: number })[]>`
    SELECT position, user_id AS "userId" FROM ended_sessions
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});
