/** Uploads as administrators look at them. */
import type { Sql, Tx } from "../sql.ts";

/** Times are ms since 1970. */
export interface ListedMedia {
  readonly server: string;
  readonly mediaId: string;
  readonly contentType: string;
  readonly fileName: string | null;
  readonly size: number;
  readonly userId: string | null;
  readonly createdTs: number;
  readonly accessedTs: number | null;
  readonly quarantinedBy: string | null;
  readonly isProtected: boolean;
  readonly sha256: Buffer | null;
}

const columns = (sql: Sql | Tx) => sql`
  server, media_id AS "mediaId", content_type AS "contentType", file_name AS "fileName", size,
  user_id AS "userId", created_ts AS "createdTs", accessed_ts AS "accessedTs",
  quarantined_by AS "quarantinedBy", is_protected AS "isProtected", sha256`;

/** By what a list may be ordered, and the column of it. */
const ORDERS = {
  media_id: "media_id",
  upload_name: "file_name",
  created_ts: "created_ts",
  last_access_ts: "accessed_ts",
  media_length: "size",
  media_type: "content_type",
  quarantined_by: "quarantined_by",
  safe_from_quarantine: "is_protected",
} as const;

export interface MediaPage {
  readonly from: number;
  readonly limit: number;
  readonly orderBy: keyof typeof ORDERS;
  readonly backwards: boolean;
}

export async function findListed(
  sql: Sql | Tx,
  server: string,
  mediaId: string,
): Promise<ListedMedia | undefined> {
  const [row] = await sql<ListedMedia[]>`
    SELECT ${columns(sql)} FROM media WHERE server = ${server} AND media_id = ${mediaId}`;
  return row;
}

/** A page of a user's uploads. */
export async function uploadsOf(
  sql: Sql | Tx,
  userId: string,
  { from, limit, orderBy, backwards }: MediaPage,
): Promise<ListedMedia[]> {
  const by = sql(ORDERS[orderBy]);
  const order = backwards ? sql`${by} DESC, media_id DESC` : sql`${by}, media_id`;
  return sql<ListedMedia[]>`
    SELECT ${columns(sql)} FROM media WHERE user_id = ${userId} AND sha256 IS NOT NULL
    ORDER BY ${order} OFFSET ${from} LIMIT ${limit}`;
}

export async function countUploads(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*)::integer AS n FROM media WHERE user_id = ${userId} AND sha256 IS NOT NULL`;
  return row?.n ?? 0;
}

export interface OldMedia {
  /** That nobody has asked for since then, ms since 1970. */
  readonly before: number;
  /** That have more bytes. */
  readonly largerThan: number;
  /** Not what profiles and the state of rooms name. */
  readonly keepPictures: boolean;
}

/** That an upload is old and large, neither protected nor quarantined. */
function isOld(sql: Sql | Tx, { before, largerThan, keepPictures }: OldMedia) {
  const isPicture = sql`
    'mxc://' || m.server || '/' || m.media_id IN (
      SELECT avatar_url FROM profiles WHERE avatar_url IS NOT NULL)
    OR EXISTS (SELECT FROM media_references r JOIN events e USING (event_nid)
      WHERE r.server = m.server AND r.media_id = m.media_id AND NOT r.redacted
        AND e.state_key IS NOT NULL)`;
  return sql`
    user_id IS NOT NULL AND sha256 IS NOT NULL AND size > ${largerThan}
      AND coalesce(accessed_ts, created_ts) < ${before} AND created_ts < ${before}
      AND NOT is_protected AND quarantined_by IS NULL
      AND NOT (${keepPictures} AND (${isPicture}))`;
}

/** The next uploads that are old and large, neither protected nor quarantined. */
export async function oldUploads(
  sql: Sql | Tx,
  which: OldMedia,
  limit: number,
): Promise<ListedMedia[]> {
  return sql<ListedMedia[]>`
    SELECT ${columns(sql)} FROM media m WHERE ${isOld(sql, which)} LIMIT ${limit}`;
}

/** How many there are of them. */
export async function countOldUploads(sql: Sql | Tx, which: OldMedia): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*)::integer AS n FROM media m WHERE ${isOld(sql, which)}`;
  return row!.n;
}
