import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface UserChange {
  userId: string;
}

/**
 * Something of a user has changed, and whoever keeps it in memory reads it again. The table has
 * `user_id`, its key, and `position`.
 */
function defineUserChange<Kind extends string>(kind: Kind, table: string) {
  return defineStream({
    kind,
    columns: [["user_id", "text"]],
    values: ({ userId }: UserChange) => [keyText(userId)],
    statements: (from) => [
      `INSERT INTO ${table} (user_id, position)
        SELECT t.user_id, max(v.base + t.shift) ${from} GROUP BY t.user_id ORDER BY t.user_id
        ON CONFLICT (user_id) DO UPDATE SET position = excluded.position`,
    ],
    toRecord: ({ userId }): UserChange => ({ userId }),
    read: (sql, { after, upTo, limit }) => sql<(UserChange & { position: number })[]>`
      SELECT position, user_id AS "userId" FROM ${sql(table)}
      WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
  });
}

/** Tokens of a user have ended: every replica must drop its cached tokens of the user. */
export const sessions = defineUserChange("session", "ended_sessions");

/** A user's pushers were set or deleted: whoever sends notifications reads them again. */
export const pushers = defineUserChange("pusher", "pusher_changes");
