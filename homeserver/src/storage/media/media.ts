import type { Sql, Tx } from "../sql.ts";

/** A row of media. sha256 is null while the content is awaited; times are ms since 1970. */
export interface MediaRow {
  sha256: Buffer | null;
  contentType: string;
  fileName: string | null;
  size: number;
  userId: string | null;
  createdTs: number;
  /** Until when an awaited upload may begin. */
  uploadUntilTs: number | null;
  /** Its last download, to some hours; null: none was noted. */
  accessedTs: number | null;
  /** The administrator who keeps it from everybody; null: nobody does. */
  quarantinedBy: string | null;
}

/** What an mxc URI stands for. */
export async function findMedia(
  sql: Sql | Tx,
  server: string,
  mediaId: string,
): Promise<MediaRow | undefined> {
  const [row] = await sql<MediaRow[]>`
    SELECT sha256, content_type AS "contentType", file_name AS "fileName", size, user_id AS "userId",
      created_ts AS "createdTs", upload_until_ts AS "uploadUntilTs",
      accessed_ts AS "accessedTs", quarantined_by AS "quarantinedBy"
    FROM media WHERE server = ${server} AND media_id = ${mediaId}`;
  return row;
}

/** Adds media, or replaces the copy of another server's. */
export async function upsertMedia(
  sql: Sql | Tx,
  server: string,
  mediaId: string,
  media: MediaRow,
): Promise<void> {
  await sql`
    INSERT INTO media
      (server, media_id, sha256, content_type, file_name, size, user_id, created_ts, upload_until_ts)
    VALUES (${server}, ${mediaId}, ${media.sha256}, ${media.contentType}, ${media.fileName}, ${media.size},
      ${media.userId}, ${media.createdTs}, ${media.uploadUntilTs})
    ON CONFLICT (server, media_id) DO UPDATE SET sha256 = excluded.sha256,
      content_type = excluded.content_type, file_name = excluded.file_name, size = excluded.size,
      created_ts = excluded.created_ts`;
}

/** Fills a reserved place. False if it was filled meanwhile. */
export async function fillMedia(
  sql: Sql | Tx,
  server: string,
  mediaId: string,
  media: Pick<MediaRow, "contentType" | "fileName" | "size"> & { sha256: Buffer },
): Promise<boolean> {
  const result = await sql`
    UPDATE media SET sha256 = ${media.sha256}, content_type = ${media.contentType},
      file_name = ${media.fileName}, size = ${media.size}, upload_until_ts = NULL
    WHERE server = ${server} AND media_id = ${mediaId} AND sha256 IS NULL`;
  return result.count === 1;
}

/** How many places a user has reserved and not filled; expired ones are removed. */
export async function countReserved(tx: Tx, userId: string, now: number): Promise<number> {
  await tx`
    DELETE FROM media WHERE user_id = ${userId} AND sha256 IS NULL AND upload_until_ts < ${now}`;
  const [row] = await tx<{ n: number }[]>`
    SELECT count(*)::integer AS n FROM media WHERE user_id = ${userId} AND sha256 IS NULL`;
  return row?.n ?? 0;
}

/** Bytes counted for a file besides its content: for its row, and its name in a folder. */
export const FILE_OVERHEAD = 1024;

/** Total bytes of a user's uploads. */
export async function sumUploads(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ total: number }[]>`
    SELECT coalesce(sum(size + ${FILE_OVERHEAD}), 0)::bigint AS total FROM media
    WHERE user_id = ${userId}`;
  return row?.total ?? 0;
}

/** Locks a user's uploads until the end of the transaction: no other adds to them. */
export async function lockUploads(tx: Tx, userId: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtext('uploads'), hashtext(${userId}))`;
}

/** Total bytes of the copies of other servers' media. */
export async function sumRemoteMedia(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ total: number }[]>`
    SELECT coalesce(sum(size + ${FILE_OVERHEAD}), 0)::bigint AS total FROM media
    WHERE user_id IS NULL`;
  return row?.total ?? 0;
}

/** The copies of other servers' media that nobody has asked for longest, with what each counts. */
export async function stalestRemoteMedia(
  sql: Sql | Tx,
  before: number,
  limit: number,
): Promise<{ server: string; mediaId: string; sha256: Buffer; size: number }[]> {
  return await sql<{ server: string; mediaId: string; sha256: Buffer; size: number }[]>`
    SELECT server, media_id AS "mediaId", sha256, size + ${FILE_OVERHEAD} AS size FROM media
    WHERE user_id IS NULL AND sha256 IS NOT NULL
      AND coalesce(accessed_ts, created_ts) < ${Math.min(before, Number.MAX_SAFE_INTEGER)}
    ORDER BY coalesce(accessed_ts, created_ts) LIMIT ${limit}`;
}

/** Notes that a file was asked for. */
export async function noteAccess(
  sql: Sql | Tx,
  server: string,
  mediaId: string,
  now: number,
): Promise<void> {
  await sql`
    UPDATE media SET accessed_ts = ${now} WHERE server = ${server} AND media_id = ${mediaId}`;
}

/** Deletes an upload, but not its file. Returns what names that; undefined: there was no upload. */
export async function deleteUpload(
  tx: Tx,
  server: string,
  mediaId: string,
): Promise<Buffer[] | undefined> {
  const [row] = await tx<{ sha256: Buffer | null }[]>`
    DELETE FROM media WHERE server = ${server} AND media_id = ${mediaId} AND user_id IS NOT NULL
    RETURNING sha256`;
  await tx`
    DELETE FROM media_references WHERE server = ${server} AND media_id = ${mediaId}`;
  return row && (row.sha256 === null ? [] : [row.sha256]);
}

/** Deletes a copy, but not its file. That it is quarantined stays known. */
export async function deleteCopy(tx: Tx, server: string, mediaId: string): Promise<void> {
  await tx`
    DELETE FROM media WHERE server = ${server} AND media_id = ${mediaId} AND quarantined_by IS NULL`;
  await tx`
    UPDATE media SET sha256 = NULL, size = 0 WHERE server = ${server} AND media_id = ${mediaId}`;
}
