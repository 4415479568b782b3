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
