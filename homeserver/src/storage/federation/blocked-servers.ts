import type { Sql, Tx } from "../sql.ts";

/** A server with which this one does not federate. */
export interface BlockedServer {
  /** `*` and `?` stand for any characters. */
  readonly pattern: string;
  readonly reason: string | null;
  readonly by: string;
  /** ms since 1970. */
  readonly ts: number;
}

/** All of them, by their names. */
export async function loadBlockedServers(sql: Sql | Tx): Promise<BlockedServer[]> {
  return sql<BlockedServer[]>`
    SELECT pattern, reason, blocked_by AS by, blocked_ts AS ts FROM blocked_servers ORDER BY pattern`;
}

/** Adds one, or gives one another reason. False: there are `max` already. */
export async function insertBlockedServer(
  tx: Tx,
  { pattern, reason, by, ts }: BlockedServer,
  max: number,
): Promise<boolean> {
  await tx`LOCK TABLE blocked_servers IN SHARE ROW EXCLUSIVE MODE`;
  const { count } = await tx`
    INSERT INTO blocked_servers (pattern, reason, blocked_by, blocked_ts)
    SELECT ${pattern}, ${reason}, ${by}, ${ts}
    WHERE (SELECT count(*) FROM blocked_servers WHERE pattern <> ${pattern}) < ${max}
    ON CONFLICT (pattern) DO UPDATE SET reason = excluded.reason, blocked_by = excluded.blocked_by,
      blocked_ts = excluded.blocked_ts`;
  return count > 0;
}

/** False: it was not blocked. */
export async function deleteBlockedServer(sql: Sql | Tx, pattern: string): Promise<boolean> {
  const { count } = await sql`DELETE FROM blocked_servers WHERE pattern = ${pattern}`;
  return count > 0;
}
