import type { Sql, Tx } from "../sql.ts";
import type { Between } from "./device-lists.ts";
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

/** A field of a user's profile. */
export interface ProfileField {
  userId: string;
  field: string;
}

/** Changes of fields that are remembered of one user: the newest. */
const FIELDS_KEPT = 1_000;

/** A field of a profile was set or removed: clients of those who share a room are told. (MSC4429.) */
export const profileFields = defineStream({
  kind: "profile_field",
  columns: [
    ["user_id", "text"],
    ["field", "text"],
  ],
  values: ({ userId, field }: ProfileField) => [keyText(userId), keyText(field)],
  statements: (from) => [
    `INSERT INTO profile_changes (user_id, field, position)
      SELECT t.user_id, t.field, max(v.base + t.shift) ${from}
      GROUP BY t.user_id, t.field ORDER BY t.user_id, t.field
      ON CONFLICT (user_id, field) DO UPDATE SET position = excluded.position`,
    `DELETE FROM profile_changes d USING (SELECT DISTINCT t.user_id ${from}) AS l
      WHERE d.user_id = l.user_id AND d.position < (
          SELECT k.position FROM profile_changes k WHERE k.user_id = l.user_id
          ORDER BY k.position DESC OFFSET ${FIELDS_KEPT - 1} LIMIT 1)
        AND NOT EXISTS (SELECT 1 ${from} AND t.user_id = d.user_id AND t.field = d.field)`,
  ],
  toRecord: (row): ProfileField => row,
  read: (sql, { after, upTo, limit }) => sql<(ProfileField & { position: number })[]>`
    SELECT position, user_id AS "userId", field FROM profile_changes
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

/** Up to `limit` fields that changed after a position and, as far as is known, up to another. */
export async function changedProfileFields(
  sql: Sql | Tx,
  { after, upTo }: Between,
  limit: number,
): Promise<ProfileField[]> {
  return sql<ProfileField[]>`
    SELECT user_id AS "userId", field FROM profile_changes
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`;
}
