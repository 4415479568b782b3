/** Images, and the thumbnails that were made of them. */
import type { Sql, Tx } from "../sql.ts";

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
