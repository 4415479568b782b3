import type { Sql, Tx } from "./sql.ts";

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
}

/** A row of thumbnails. */
export interface ThumbnailRow {
  sha256: Buffer;
  contentType: string;
  size: number;
}

/** A row of images: what a look at the head of a file showed. Pixels, as it is shown. */
export interface ImageRow {
  width: number;
  height: number;
  /** The type by which the image itself may be served; null: it may not. */
  inlineType: string | null;
  isAnimated: boolean;
}

/** What a thumbnail was made for: a source file and a size. */
export interface ThumbnailKey {
  source: Buffer;
  width: number;
  height: number;
  method: string;
  animated: boolean;
}

/** What an mxc URI stands for. */
export async function findMedia(
  sql: Sql | Tx,
  server: string,
  mediaId: string,
): Promise<MediaRow | undefined> {
  const [row] = await sql<MediaRow[]>`
    SELECT sha256, content_type AS "contentType", file_name AS "fileName", size, user_id AS "userId",
      created_ts AS "createdTs", upload_until_ts AS "uploadUntilTs"
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

/** The oldest copies of other servers' media, with what each counts. */
export async function oldestRemoteMedia(
  sql: Sql | Tx,
  limit: number,
): Promise<{ server: string; mediaId: string; sha256: Buffer; size: number }[]> {
  return await sql<{ server: string; mediaId: string; sha256: Buffer; size: number }[]>`
    SELECT server, media_id AS "mediaId", sha256, size + ${FILE_OVERHEAD} AS size FROM media
    WHERE user_id IS NULL AND sha256 IS NOT NULL ORDER BY created_ts LIMIT ${limit}`;
}

/** Deletes rows of media, but not the file. */
export async function deleteMedia(sql: Sql | Tx, server: string, mediaId: string): Promise<void> {
  await sql`DELETE FROM media WHERE server = ${server} AND media_id = ${mediaId}`;
}

/** Whether any media or thumbnail still uses a file. */
export async function isFileUsed(sql: Sql | Tx, sha256: Buffer): Promise<boolean> {
  const [row] = await sql<{ used: boolean }[]>`
    SELECT EXISTS (SELECT FROM media WHERE sha256 = ${sha256})
      OR EXISTS (SELECT FROM thumbnails WHERE sha256 = ${sha256}) AS used`;
  return row?.used === true;
}

/** Locks a file until the end of the transaction: no other adds or removes uses of it. */
export async function lockFile(tx: Tx, sha256: Buffer): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(${sha256.readBigInt64BE(0).toString()}::bigint)`;
}

/** The stored facts about an image. */
export async function findImage(sql: Sql | Tx, sha256: Buffer): Promise<ImageRow | undefined> {
  const [row] = await sql<ImageRow[]>`
    SELECT width, height, inline_type AS "inlineType", is_animated AS "isAnimated"
    FROM images WHERE sha256 = ${sha256}`;
  return row;
}

/** Stores facts about an image, as long as there is media that uses the file. */
export async function insertImage(sql: Sql | Tx, sha256: Buffer, image: ImageRow): Promise<void> {
  await sql`
    INSERT INTO images (sha256, width, height, inline_type, is_animated)
    SELECT ${sha256}, ${image.width}, ${image.height}, ${image.inlineType}, ${image.isAnimated}
    WHERE EXISTS (SELECT FROM media WHERE sha256 = ${sha256})
    ON CONFLICT (sha256) DO NOTHING`;
}

/** A thumbnail that was made before. */
export async function findThumbnail(
  sql: Sql | Tx,
  key: ThumbnailKey,
): Promise<ThumbnailRow | undefined> {
  const [row] = await sql<ThumbnailRow[]>`
    SELECT sha256, content_type AS "contentType", size FROM thumbnails
    WHERE source = ${key.source} AND width = ${key.width} AND height = ${key.height}
      AND method = ${key.method} AND animated = ${key.animated} AND sha256 IS NOT NULL`;
  return row;
}

/**
 * Deletes thumbnails of a source, so that with one more there are at most `max`. Returns their
 * files.
 */
export async function makeRoomForThumbnail(tx: Tx, source: Buffer, max: number): Promise<Buffer[]> {
  const rows = await tx<{ sha256: Buffer | null }[]>`
    DELETE FROM thumbnails WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM thumbnails WHERE source = ${source} ORDER BY width * height DESC OFFSET ${max - 1}))
    RETURNING sha256`;
  return rows.flatMap(({ sha256 }) => sha256 ?? []);
}

/** Remembers a thumbnail. */
export async function insertThumbnail(
  sql: Sql | Tx,
  key: ThumbnailKey,
  thumbnail: ThumbnailRow,
): Promise<void> {
  await sql`
    INSERT INTO thumbnails (source, width, height, method, animated, sha256, content_type, size)
    VALUES (${key.source}, ${key.width}, ${key.height}, ${key.method}, ${key.animated},
      ${thumbnail.sha256}, ${thumbnail.contentType}, ${thumbnail.size})
    ON CONFLICT (source, width, height, method, animated) DO UPDATE SET sha256 = excluded.sha256,
      content_type = excluded.content_type, size = excluded.size`;
}

/** Deletes the facts and thumbnails of a source file. Returns the thumbnails' files. */
export async function deleteThumbnails(sql: Sql | Tx, source: Buffer): Promise<Buffer[]> {
  await sql`DELETE FROM images WHERE sha256 = ${source}`;
  const rows = await sql<{ sha256: Buffer }[]>`
    DELETE FROM thumbnails WHERE source = ${source} AND sha256 IS NOT NULL RETURNING sha256`;
  return rows.map((row) => row.sha256);
}
