/** Deletions of old uploads, as durable jobs. */
import type { Sql, Tx } from "../sql.ts";
import type { OldMedia } from "./listing.ts";

/** A job. Times are ms since 1970. */
export interface MediaDeletionRow extends OldMedia {
  readonly deletionId: string;
  readonly requestedBy: string;
  /** So many are gone. */
  readonly deleted: number;
  /** So many there were at first; null: it has not begun. */
  readonly total: number | null;
  /** Why it failed; null: it did not. */
  readonly reason: string | null;
  readonly createdTs: number;
  readonly endedTs: number | null;
}

const columns = (sql: Sql | Tx) => sql`
  deletion_id AS "deletionId", requested_by AS "requestedBy", before_ts AS before,
  larger_than AS "largerThan", keep_pictures AS "keepPictures", deleted, total, reason,
  created_ts AS "createdTs", ended_ts AS "endedTs"`;

export async function insertMediaDeletion(
  sql: Sql | Tx,
  row: OldMedia & Pick<MediaDeletionRow, "deletionId" | "requestedBy" | "createdTs">,
): Promise<void> {
  await sql`
    INSERT INTO media_deletions
      (deletion_id, requested_by, before_ts, larger_than, keep_pictures, created_ts)
    VALUES (${row.deletionId}, ${row.requestedBy}, ${row.before}, ${row.largerThan},
      ${row.keepPictures}, ${row.createdTs})`;
}

/** The oldest job that has something left to do. */
export async function nextMediaDeletion(sql: Sql | Tx): Promise<MediaDeletionRow | undefined> {
  const [row] = await sql<MediaDeletionRow[]>`
    SELECT ${columns(sql)} FROM media_deletions WHERE ended_ts IS NULL
    ORDER BY created_ts, deletion_id LIMIT 1`;
  return row;
}

/** Notes how many there are to delete, unless that is known. */
export async function noteMediaTotal(sql: Sql | Tx, id: string, total: number): Promise<void> {
  await sql`
    UPDATE media_deletions SET total = ${total} WHERE deletion_id = ${id} AND total IS NULL`;
}

/** Notes that so many more are gone. */
export async function noteMediaDeleted(sql: Sql | Tx, id: string, count: number): Promise<void> {
  await sql`UPDATE media_deletions SET deleted = deleted + ${count} WHERE deletion_id = ${id}`;
}

/** Ends a job that has not ended. */
export async function endMediaDeletion(
  sql: Sql | Tx,
  id: string,
  { reason, now }: { readonly reason: string | null; readonly now: number },
): Promise<void> {
  await sql`
    UPDATE media_deletions SET reason = ${reason}, ended_ts = ${now}
    WHERE deletion_id = ${id} AND ended_ts IS NULL`;
}

/** Forgets jobs that ended before a time, ms since 1970. */
export async function forgetMediaDeletions(sql: Sql | Tx, before: number): Promise<void> {
  await sql`DELETE FROM media_deletions WHERE ended_ts < ${before}`;
}

/** Those that have not ended, or not before a time, ms since 1970; the newest first, `max` at most. */
export async function listMediaDeletions(
  sql: Sql | Tx,
  since: number,
  max: number,
): Promise<MediaDeletionRow[]> {
  return sql<MediaDeletionRow[]>`
    SELECT ${columns(sql)} FROM media_deletions WHERE ended_ts IS NULL OR ended_ts >= ${since}
    ORDER BY created_ts DESC, deletion_id LIMIT ${max}`;
}
