import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface ProfileChange {
  userId: string;
}

/** The display name or avatar of a local user changed: member events follow. */
export const profiles = defineStream({
  kind: "profile",
  columns: [["user_id", "text"]],
  values: ({ userId }: ProfileChange) => [keyText(userId)],
  statements: (from) => [
    `UPDATE profiles p SET position = l.position FROM (
        SELECT t.user_id, max(v.base + t.shift) AS position ${from} GROUP BY t.user_id) AS l
      WHERE p.user_id = l.user_id`,
  ],
  toRecord: ({ userId }): ProfileChange => ({ userId }),
  read: (sql, { after, upTo, limit }) => sql<(ProfileChange & { position: number })[]>`
    SELECT position, user_id AS "userId" FROM profiles
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});
