/** Files that administrators keep from everybody. */
import { byteaArray, type Sql, textArray, type Tx } from "../sql.ts";
import { lockFile } from "./files.ts";
import { beginChanges } from "./quarantine-changes.ts";

export interface MediaKey {
  readonly server: string;
  readonly mediaId: string;
}

/** Who quarantines, and when (ms since 1970). */
export interface By {
  readonly userId: string;
  readonly now: number;
}

/**
 * Quarantines files, and all others of the same content, but for protected ones. Files of other
 * servers that are not known are noted, so that they are not fetched. Returns how many were not
 * quarantined before.
 */
export async function quarantine(
  tx: Tx,
  keys: readonly MediaKey[],
  own: string,
  { userId, now }: By,
): Promise<number> {
  const [servers, ids] = arraysOf(keys);
  const added = await tx<MediaKey[]>`
    INSERT INTO media (server, media_id, content_type, size, created_ts, quarantined_by, quarantined_ts)
    SELECT k.server, k.media_id, '', 0, ${now}, ${userId}, ${now}
    FROM unnest(${servers}::text[], ${ids}::text[]) AS k (server, media_id)
    WHERE k.server <> ${own} ORDER BY k.server, k.media_id ON CONFLICT DO NOTHING
    RETURNING server, media_id AS "mediaId"`;
  const rows = await tx<{ sha256: Buffer }[]>`
    SELECT DISTINCT m.sha256 FROM media m
    JOIN unnest(${servers}::text[], ${ids}::text[]) AS k (server, media_id) USING (server, media_id)
    WHERE m.sha256 IS NOT NULL AND NOT m.is_protected ORDER BY m.sha256`;
  const files = rows.map((row) => row.sha256);
  // Whoever uploads the same content at this moment comes before or after.
  for (const sha256 of files) await lockFile(tx, sha256);
  // After the files, as in inheritQuarantine.
  await beginChanges(tx);
  const [newServers, newIds] = arraysOf(added);
  await tx`
    INSERT INTO quarantine_changes (server, media_id, quarantined)
    SELECT server, media_id, true FROM unnest(${newServers}::text[], ${newIds}::text[])
      AS k (server, media_id)`;
  const { count } = await tx`
    WITH changed AS (
    UPDATE media m SET quarantined_by = ${userId}, quarantined_ts = ${now}
    FROM (SELECT o.server, o.media_id FROM media o
      WHERE o.quarantined_by IS NULL AND NOT o.is_protected
        AND (o.sha256 = ANY (${byteaArray(files)}::bytea[])
          OR (o.server, o.media_id) IN (
            SELECT * FROM unnest(${servers}::text[], ${ids}::text[])))
      ORDER BY o.server, o.media_id FOR UPDATE) AS chosen
    WHERE m.server = chosen.server AND m.media_id = chosen.media_id
    RETURNING m.server, m.media_id)
    INSERT INTO quarantine_changes (server, media_id, quarantined)
    SELECT server, media_id, true FROM changed`;
  return added.length + count;
}

/** Ends the quarantine of a file, and of all others of the same content. */
export async function endQuarantine(tx: Tx, { server, mediaId }: MediaKey): Promise<void> {
  await beginChanges(tx);
  await tx`
    WITH changed AS (
    UPDATE media m SET quarantined_by = NULL, quarantined_ts = NULL
    FROM (SELECT o.server, o.media_id FROM media o
      WHERE o.quarantined_by IS NOT NULL AND ((o.server = ${server} AND o.media_id = ${mediaId})
        OR o.sha256 = (SELECT sha256 FROM media WHERE server = ${server} AND media_id = ${mediaId}))
      ORDER BY o.server, o.media_id FOR UPDATE) AS chosen
    WHERE m.server = chosen.server AND m.media_id = chosen.media_id
    RETURNING m.server, m.media_id)
    INSERT INTO quarantine_changes (server, media_id, quarantined)
    SELECT server, media_id, false FROM changed`;
  // What only kept another server's file away says nothing any more.
  await tx`
    DELETE FROM media WHERE server = ${server} AND media_id = ${mediaId} AND sha256 IS NULL
      AND user_id IS NULL`;
}

/** A new file is quarantined when another one of the same content is. The file is locked. */
export async function inheritQuarantine(
  tx: Tx,
  { server, mediaId }: MediaKey,
  sha256: Buffer,
): Promise<void> {
  const others = await tx`
    SELECT FROM media WHERE sha256 = ${sha256} AND quarantined_by IS NOT NULL LIMIT 1`;
  if (others.length === 0) return;
  await beginChanges(tx);
  await tx`
    WITH changed AS (
    UPDATE media m SET quarantined_by = q.quarantined_by, quarantined_ts = q.quarantined_ts
    FROM (SELECT quarantined_by, quarantined_ts FROM media
      WHERE sha256 = ${sha256} AND quarantined_by IS NOT NULL LIMIT 1) AS q
    WHERE m.server = ${server} AND m.media_id = ${mediaId} AND m.quarantined_by IS NULL
    RETURNING m.server, m.media_id)
    INSERT INTO quarantine_changes (server, media_id, quarantined)
    SELECT server, media_id, true FROM changed`;
}

/** False: there is no such upload. */
export async function setProtected(
  sql: Sql | Tx,
  { server, mediaId }: MediaKey,
  isProtected: boolean,
): Promise<boolean> {
  const { count } = await sql`
    UPDATE media SET is_protected = ${isProtected}
    WHERE server = ${server} AND media_id = ${mediaId} AND user_id IS NOT NULL`;
  return count === 1;
}

/** The next uploads of a user that are not quarantined. */
export async function nextUploadsOf(
  sql: Sql | Tx,
  userId: string,
  limit: number,
): Promise<MediaKey[]> {
  return sql<MediaKey[]>`
    SELECT server, media_id AS "mediaId" FROM media
    WHERE user_id = ${userId} AND quarantined_by IS NULL AND NOT is_protected LIMIT ${limit}`;
}

/** The next files that the events of a room name, in the order of their URIs. */
export async function nextMediaOfRoom(
  sql: Sql | Tx,
  roomNid: number,
  after: MediaKey,
  limit: number,
): Promise<MediaKey[]> {
  return sql<MediaKey[]>`
    SELECT DISTINCT server, media_id AS "mediaId" FROM media_references
    WHERE room_nid = ${roomNid} AND NOT redacted
      AND (server, media_id) > (${after.server}, ${after.mediaId})
    ORDER BY server, media_id LIMIT ${limit}`;
}

/** Up to `limit` files that the events of a room name, of this server or of others. */
export async function mediaOfRoom(
  sql: Sql | Tx,
  roomNid: number,
  own: { readonly server: string; readonly isOwn: boolean },
  limit: number,
): Promise<MediaKey[]> {
  return sql<MediaKey[]>`
    SELECT DISTINCT server, media_id AS "mediaId" FROM media_references
    WHERE room_nid = ${roomNid} AND NOT redacted AND (server = ${own.server}) = ${own.isOwn}
    ORDER BY server, media_id LIMIT ${limit}`;
}

export async function roomNidOf(sql: Sql | Tx, roomId: string): Promise<number | undefined> {
  const [row] = await sql<{ roomNid: number }[]>`
    SELECT room_nid AS "roomNid" FROM rooms WHERE room_id = ${roomId}`;
  return row?.roomNid;
}

function arraysOf(keys: readonly MediaKey[]): [string, string] {
  return [textArray(keys.map((key) => key.server)), textArray(keys.map((key) => key.mediaId))];
}
