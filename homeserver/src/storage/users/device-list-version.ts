import type { Sql, Tx } from "../sql.ts";

/**
 * Log position of the newest change of a user's devices, which is the `stream_id` of its update; 0:
 * there was none. Cross-signing keys have updates of their own.
 */
export async function deviceListVersion(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ position: number | null }[]>`
    SELECT max(position) AS position FROM device_list_changes
    WHERE user_id = ${userId} AND device_id <> ''`;
  return row?.position ?? 0;
}
