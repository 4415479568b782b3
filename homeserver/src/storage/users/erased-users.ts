import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** An erased user, and the log position at which they were. */
export interface ErasedUser {
  userId: string;
  position: number;
}

/** Those of the users who are erased. */
export async function erasedAmong(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<ErasedUser[]> {
  return sql<ErasedUser[]>`
    SELECT user_id AS "userId", position FROM erased_users
    WHERE user_id = ANY (${textArray(userIds)}::text[])`;
}

/** Erasures with after < position ≤ upTo, oldest first. */
export async function erasuresInLog(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<ErasedUser[]> {
  return sql<ErasedUser[]>`
    SELECT user_id AS "userId", position FROM erased_users
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`;
}

/** Closed accounts whose erasure was asked for, and was not told to the log yet. */
export async function erasuresToTell(sql: Sql | Tx): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM accounts a WHERE a.erased
      AND NOT EXISTS (SELECT 1 FROM erased_users e WHERE e.user_id = a.user_id)`;
  return rows.map((row) => row.userId);
}

/** nids of those of the events that are member events by erased users. */
export async function memberEventsOfErased(
  sql: Sql | Tx,
  nids: readonly number[],
): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    SELECT e.event_nid AS nid FROM erased_users u JOIN events e ON e.sender = u.user_id
    WHERE e.event_nid = ANY (${numberArray(nids)}::bigint[]) AND e.type = 'm.room.member'`;
  return rows.map((row) => row.nid);
}
