import type { Sql } from "./sql.ts";

interface PreviewRow {
  /** ms since 1970; 0: nothing was fetched yet. */
  readonly expiresTs: number;
  /** JSON text; null: the page could not be had. */
  readonly preview: string | null;
}

/** The stored preview of an address. One whose image is gone from the server's files counts as absent. */
export async function findPreview(
  sql: Sql,
  urlHash: Buffer,
  server: string,
): Promise<PreviewRow | undefined> {
  const [row] = await sql<PreviewRow[]>`
    SELECT expires_ts AS "expiresTs", preview FROM url_previews p
    WHERE url_hash = ${urlHash} AND (image_id IS NULL OR EXISTS (
      SELECT FROM media m WHERE m.server = ${server} AND m.media_id = p.image_id))`;
  return row;
}

/** Claims the fetch of an address whose preview is absent or too old. False: another one has it. */
export async function claimPreview(
  sql: Sql,
  urlHash: Buffer,
  { now, until }: { readonly now: number; readonly until: number },
): Promise<boolean> {
  const rows = await sql`
    INSERT INTO url_previews (url_hash, claimed_until_ts, expires_ts) VALUES (${urlHash}, ${until}, 0)
    ON CONFLICT (url_hash) DO UPDATE SET claimed_until_ts = excluded.claimed_until_ts
      WHERE url_previews.claimed_until_ts < ${now}
    RETURNING 1`;
  return rows.length > 0;
}

/** Stores what was fetched, and ends the claim. */
export async function savePreview(
  sql: Sql,
  urlHash: Buffer,
  row: PreviewRow & { readonly imageId: string | null },
): Promise<void> {
  await sql`
    UPDATE url_previews SET claimed_until_ts = 0, expires_ts = ${row.expiresTs},
      preview = ${row.preview}, image_id = ${row.imageId}
    WHERE url_hash = ${urlHash}`;
}

/** Ends a claim of which nothing came. */
export async function releasePreview(sql: Sql, urlHash: Buffer): Promise<void> {
  await sql`UPDATE url_previews SET claimed_until_ts = 0 WHERE url_hash = ${urlHash}`;
}

/** Deletes previews that are too old, and of more than `max` those that would be so first. */
export async function clearPreviews(sql: Sql, now: number, max: number): Promise<void> {
  await sql`
    DELETE FROM url_previews WHERE url_hash IN (
      SELECT url_hash FROM url_previews WHERE expires_ts < ${now} AND claimed_until_ts < ${now}
      LIMIT 1000 FOR UPDATE SKIP LOCKED)`;
  await sql`
    DELETE FROM url_previews WHERE url_hash IN (
      SELECT url_hash FROM url_previews ORDER BY expires_ts DESC OFFSET ${max}
      FOR UPDATE SKIP LOCKED)`;
}
