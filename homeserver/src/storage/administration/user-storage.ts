/** What users store, as administrators look at it. */
import type { Sql, Tx } from "../sql.ts";

/** Uploads in files and bytes, and devices; the rest of it has functions of its own. */
export async function uploadsAndDevices(
  sql: Sql | Tx,
  userId: string,
): Promise<{ uploads: number; bytes: number; devices: number }> {
  const [row] = await sql<{ uploads: number; bytes: number; devices: number }[]>`
    SELECT count(*)::integer AS uploads, coalesce(sum(size), 0)::bigint AS bytes,
      (SELECT count(*)::integer FROM devices WHERE user_id = ${userId}) AS devices
    FROM media WHERE user_id = ${userId} AND sha256 IS NOT NULL`;
  return row!;
}

/** Bytes of messages that wait for a user's devices. */
export async function waitingBytes(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    SELECT coalesce(sum(octet_length(message)), 0)::bigint AS bytes
    FROM to_device_messages WHERE user_id = ${userId}`;
  return row?.bytes ?? 0;
}

/** All of a user's account data; the room's id is null for what is of none. */
export async function allAccountData(
  sql: Sql | Tx,
  userId: string,
): Promise<{ roomId: string | null; type: string; content: string }[]> {
  return sql<{ roomId: string | null; type: string; content: string }[]>`
    SELECT r.room_id AS "roomId", d.type, d.content
    FROM account_data d LEFT JOIN rooms r USING (room_nid)
    WHERE d.user_id = ${userId} AND (d.room_nid = 0 OR r.room_nid IS NOT NULL)
    ORDER BY d.room_nid, d.type`;
}

/** What a user has uploaded. */
export interface UploadsByUser {
  readonly userId: string;
  readonly displayName: string | null;
  readonly count: number;
  readonly bytes: number;
}

export interface UploadsQuery {
  readonly from: number;
  readonly limit: number;
  readonly orderBy: keyof typeof ORDERS;
  readonly backwards: boolean;
  /** ms since 1970. */
  readonly since: number;
  readonly until: number | undefined;
  /** A part of the user id or the display name, in lower case. */
  readonly part: string | undefined;
}

const ORDERS = {
  user_id: "user_id",
  displayname: "displayname",
  media_count: "uploads",
  media_length: "bytes",
} as const;

/** A page of users who have uploaded something, and how many there are on all. */
export async function uploadsByUser(
  sql: Sql | Tx,
  { from, limit, orderBy, backwards, since, until, part }: UploadsQuery,
): Promise<{ users: UploadsByUser[]; total: number }> {
  const order = sql`${sql(ORDERS[orderBy])} ${backwards ? sql`DESC` : sql``}, user_id`;
  const named =
    part === undefined
      ? sql``
      : sql`
    AND (strpos(lower(m.user_id), ${part}) > 0 OR strpos(lower(p.displayname), ${part}) > 0)`;
  const rows = await sql<(UploadsByUser & { total: number })[]>`
    WITH usage AS (
      SELECT m.user_id, p.displayname, count(*)::integer AS uploads,
        coalesce(sum(m.size), 0)::bigint AS bytes
      FROM media m LEFT JOIN profiles p USING (user_id)
      WHERE m.user_id IS NOT NULL AND m.sha256 IS NOT NULL AND m.created_ts >= ${since}
        ${until === undefined ? sql`` : sql`AND m.created_ts <= ${until}`} ${named}
      GROUP BY m.user_id, p.displayname)
    SELECT u.user_id AS "userId", u.displayname AS "displayName", u.uploads AS count, u.bytes,
      t.total
    FROM (SELECT count(*)::integer AS total FROM usage) t
    LEFT JOIN (SELECT * FROM usage ORDER BY ${order} OFFSET ${from} LIMIT ${limit}) u ON true
    ORDER BY ${order}`;
  const users = rows.filter((row) => row.userId !== null);
  return { users, total: rows[0]?.total ?? 0 };
}
