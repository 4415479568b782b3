import type { ServerName } from "../../protocol/identifiers.ts";
import type { Sql, Tx } from "../sql.ts";

/** A server that does not answer. Times are ms since 1970. */
export interface FailureRow {
  readonly server: ServerName;
  readonly since: number;
  /** Not asked before this. */
  readonly until: number;
  readonly intervalMs: number;
}

/** Every server that is failing. */
export async function loadFailures(sql: Sql | Tx): Promise<FailureRow[]> {
  return await sql<FailureRow[]>`
    SELECT server, failing_since AS "since", retry_after AS "until", interval_ms AS "intervalMs"
    FROM failing_servers`;
}

/** One server's failure; undefined when it is there. */
export async function findFailure(
  sql: Sql | Tx,
  server: ServerName,
): Promise<FailureRow | undefined> {
  const [row] = await sql<FailureRow[]>`
    SELECT server, failing_since AS "since", retry_after AS "until", interval_ms AS "intervalMs"
    FROM failing_servers WHERE server = ${server}`;
  return row;
}

/**
 * Forgets servers whose next attempt was due before a time, ms since 1970: nobody wanted to reach
 * them.
 */
export async function deleteOldFailures(sql: Sql | Tx, before: number): Promise<void> {
  await sql`DELETE FROM failing_servers WHERE retry_after < ${before}`;
}

/** Writes down a failure, over an earlier one of the same server. */
export async function upsertFailure(
  sql: Sql | Tx,
  failure: FailureRow & { readonly tried: number },
): Promise<void> {
  await sql`
    INSERT INTO failing_servers (server, failing_since, retry_after, interval_ms, tried_ts)
    VALUES (${failure.server}, ${failure.since}, ${failure.until}, ${failure.intervalMs},
      ${failure.tried})
    ON CONFLICT (server) DO UPDATE SET failing_since = excluded.failing_since,
      retry_after = excluded.retry_after, interval_ms = excluded.interval_ms,
      tried_ts = excluded.tried_ts`;
}

/** The server is back. */
export async function deleteFailure(sql: Sql | Tx, server: ServerName): Promise<void> {
  await sql`DELETE FROM failing_servers WHERE server = ${server}`;
}
