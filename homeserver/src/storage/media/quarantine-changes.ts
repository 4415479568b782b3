/** Which files were quarantined, or are no longer, in the order in which that happened. */
import type { Sql, Tx } from "../sql.ts";

/** Changes beyond the newest so many are forgotten. */
const MAX_CHANGES = 1_000_000;

/** A file was quarantined, or is no longer. */
export interface QuarantineChange {
  readonly id: number;
  readonly server: string;
  readonly mediaId: string;
  readonly quarantined: boolean;
}

/**
 * Before changes are noted. Transactions that note any come one after another from here on, so that
 * nobody who reads on from a change misses one.
 */
export async function beginChanges(tx: Tx): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtext('quarantine_changes'))`;
  await tx`
    DELETE FROM quarantine_changes WHERE change_id <= (
      SELECT change_id FROM quarantine_changes ORDER BY change_id DESC LIMIT 1) - ${MAX_CHANGES}`;
}

/** Changes after one, the oldest first. */
export async function changesAfter(
  sql: Sql,
  after: number,
  limit: number,
): Promise<QuarantineChange[]> {
  return sql<QuarantineChange[]>`
    SELECT change_id AS id, server, media_id AS "mediaId", quarantined FROM quarantine_changes
    WHERE change_id > ${after} ORDER BY change_id LIMIT ${limit}`;
}

/** The newest change; 0: there was none. */
export async function newestChange(sql: Sql): Promise<number> {
  const [row] = await sql<{ id: number | null }[]>`
    SELECT max(change_id) AS id FROM quarantine_changes`;
  return row?.id ?? 0;
}
