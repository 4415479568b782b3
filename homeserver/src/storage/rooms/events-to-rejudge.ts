/** Events for which dependent rejected events have to be judged again. */
import type { RejudgeRow } from "../append/types.ts";
import type { Sql, Tx } from "../sql.ts";

export async function rowsToRejudge(sql: Sql | Tx, limit: number): Promise<RejudgeRow[]> {
  return sql<RejudgeRow[]>`
    SELECT room_nid AS "roomNid", accepted_nid AS "acceptedNid" FROM events_to_rejudge
    ORDER BY room_nid, accepted_nid LIMIT ${limit}`;
}

/** They have been judged again, and what was rejected because of them. */
export async function removeToRejudge(sql: Sql | Tx, row: RejudgeRow): Promise<void> {
  await sql`
    DELETE FROM events_to_rejudge
    WHERE room_nid = ${row.roomNid} AND accepted_nid = ${row.acceptedNid}`;
}
