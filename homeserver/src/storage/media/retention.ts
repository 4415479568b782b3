/** Uploads that nothing names any more. */
import { numberArray, type Sql, textArray, type Tx } from "../sql.ts";

/** An event whose text may name files; json is null where it names none. */
export interface ScannedEvent {
  readonly nid: number;
  readonly roomNid: number;
  readonly type: string;
  readonly stateKey: string | null;
  readonly json: string | null;
}

/** The next events. */
export async function nextEvents(
  tx: Sql | Tx,
  after: number,
  limit: number,
): Promise<ScannedEvent[]> {
  return tx<ScannedEvent[]>`
    SELECT event_nid AS nid, room_nid AS "roomNid", type, state_key AS "stateKey",
      CASE WHEN json ~* 'mxc://|/(download|thumbnail)/' THEN json END AS json
    FROM events WHERE event_nid > ${after} ORDER BY event_nid LIMIT ${limit}`;
}

export interface FoundReference {
  readonly server: string;
  readonly mediaId: string;
  readonly nid: number;
  readonly roomNid: number;
  /** Whether it is noted also if it is no upload of this server. */
  readonly isShown: boolean;
}

/** Notes what events name that were stored before this was noted with them. */
export async function noteReferences(tx: Tx, found: readonly FoundReference[]): Promise<void> {
  if (found.length === 0) return;
  // Whoever deletes one of them drops what it names afterwards.
  const rows = await tx<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events
    WHERE event_nid = ANY (${numberArray(found.map((row) => row.nid))}::bigint[])
    ORDER BY event_nid FOR KEY SHARE`;
  const there = new Set(rows.map((row) => row.nid));
  const some = found.filter((row) => there.has(row.nid));
  await tx`
    INSERT INTO media_references (server, media_id, event_nid, room_nid)
    SELECT t.server, t.media_id, t.nid, t.room_nid
    FROM unnest(${textArray(some.map((row) => row.server))}::text[],
      ${textArray(some.map((row) => row.mediaId))}::text[],
      ${numberArray(some.map((row) => row.nid))}::bigint[],
      ${numberArray(some.map((row) => row.roomNid))}::bigint[],
      ${numberArray(some.map((row) => (row.isShown ? 1 : 0)))}::int[])
      AS t (server, media_id, nid, room_nid, shown)
    WHERE t.shown = 1 OR EXISTS (SELECT FROM media m
      WHERE m.server = t.server AND m.media_id = t.media_id AND m.user_id IS NOT NULL)
    ORDER BY t.server, t.media_id, t.nid ON CONFLICT DO NOTHING`;
}

/** Notes local users who are, or were, in a room that is encrypted. */
export async function noteUsersOfEncryption(sql: Sql | Tx, server: string): Promise<void> {
  await sql`
    INSERT INTO users_of_encryption (user_id)
    SELECT DISTINCT s.user_id FROM current_state c
    JOIN LATERAL (
      SELECT user_id FROM memberships m WHERE m.room_nid = c.room_nid AND m.server = ${server}
      UNION SELECT user_id FROM past_stays p WHERE p.room_nid = c.room_nid
        AND substr(p.user_id, strpos(p.user_id, ':') + 1) = ${server}) AS s ON true
    WHERE c.type = 'm.room.encryption' AND c.state_key = ''
    ORDER BY s.user_id ON CONFLICT DO NOTHING`;
}

/**
 * Looks at the next uploads, and notes since when no event names them (ms since 1970). Returns the
 * last one; undefined: there are no further ones.
 */
export async function lookAtUploads(
  tx: Tx,
  server: string,
  after: string,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<string | undefined> {
  const rows = await tx<{ mediaId: string; known: boolean; named: boolean }[]>`
    SELECT media_id AS "mediaId", unreferenced_ts IS NOT NULL AS known, EXISTS (
      SELECT FROM media_references r
      WHERE r.server = m.server AND r.media_id = m.media_id AND NOT r.redacted) AS named
    FROM media m WHERE server = ${server} AND media_id > ${after} AND user_id IS NOT NULL
    ORDER BY media_id LIMIT ${limit}`;
  const of = (named: boolean) => {
    const some = rows.filter((row) => row.named === named && row.known === named);
    return textArray(some.map((row) => row.mediaId));
  };
  await tx`
    UPDATE media m SET unreferenced_ts = CASE WHEN m.unreferenced_ts IS NULL THEN ${now}::bigint END
    FROM (SELECT o.server, o.media_id FROM media o WHERE o.server = ${server} AND
        ((o.media_id = ANY (${of(false)}::text[]) AND o.unreferenced_ts IS NULL)
          OR (o.media_id = ANY (${of(true)}::text[]) AND o.unreferenced_ts IS NOT NULL))
      ORDER BY o.server, o.media_id FOR UPDATE) AS changed
    WHERE m.server = changed.server AND m.media_id = changed.media_id`;
  return rows.length < limit ? undefined : rows.at(-1)!.mediaId;
}

export interface Unused {
  readonly server: string;
  /** What nothing has named, and nobody asked for, since then (ms since 1970) may go. */
  readonly before: number;
  /** The same for what encrypted messages may name; undefined: it stays. */
  readonly encryptedBefore: number | undefined;
  /** Ids of uploads that the settings name. */
  readonly kept: readonly string[];
  readonly limit: number;
}

/**
 * Looks for uploads that nobody can reach, and deletes those whose time is over: no event names
 * them, and neither do profiles, account data, or what is still to be sent. Returns their files; and how
 * many were looked at, which is less than `limit` when there are no more.
 */
export async function deleteUnused(
  tx: Tx,
  unused: Unused,
): Promise<{ looked: number; files: Buffer[] }> {
  const { server, before, encryptedBefore, limit } = unused;
  const found = await tx<{ mediaId: string }[]>`
    SELECT media_id AS "mediaId" FROM media m
    WHERE server = ${server} AND user_id IS NOT NULL AND sha256 IS NOT NULL
      AND unreferenced_ts < ${before} AND coalesce(accessed_ts, created_ts) < ${before}
      AND quarantined_by IS NULL AND NOT is_protected
      AND NOT EXISTS (SELECT FROM media_references r
        WHERE r.server = m.server AND r.media_id = m.media_id AND NOT r.redacted)
      AND media_id <> ALL (${textArray(unused.kept)}::text[])
      AND (was_referenced
        OR EXISTS (SELECT FROM media_references r
          WHERE r.server = m.server AND r.media_id = m.media_id)
        OR (unreferenced_ts < ${encryptedBefore ?? 0}
          AND coalesce(accessed_ts, created_ts) < ${encryptedBefore ?? 0})
        OR NOT (EXISTS (SELECT FROM users_of_encryption e WHERE e.user_id = m.user_id)
          OR EXISTS (SELECT FROM accounts a WHERE a.user_id = m.user_id AND a.appservice IS NOT NULL)))
    ORDER BY media_id LIMIT ${limit} FOR UPDATE`;
  if (found.length === 0) return { looked: 0, files: [] };
  const ids = found.map((row) => row.mediaId);
  const named = new Set(await namedElsewhere(tx, server, ids));
  const kept = ids.filter((id) => named.has(id));
  // They are looked at again when that time is over once more.
  await tx`
    UPDATE media SET unreferenced_ts = NULL
    WHERE server = ${server} AND media_id = ANY (${textArray(kept)}::text[])`;
  const files = await tx<{ sha256: Buffer }[]>`
    DELETE FROM media m WHERE server = ${server}
      AND media_id = ANY (${textArray(ids.filter((id) => !named.has(id)))}::text[])
      AND NOT EXISTS (SELECT FROM media_references r
        WHERE r.server = m.server AND r.media_id = m.media_id AND NOT r.redacted)
    RETURNING sha256`;
  await tx`
    DELETE FROM media_references r WHERE server = ${server}
      AND media_id = ANY (${textArray(ids)}::text[])
      AND NOT EXISTS (SELECT FROM media m WHERE m.server = r.server AND m.media_id = r.media_id)`;
  return { looked: ids.length, files: files.map((row) => row.sha256) };
}

/** Which of some uploads are named by what is no event of a room. */
async function namedElsewhere(tx: Tx, server: string, ids: readonly string[]): Promise<string[]> {
  const like = `%${server.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const pattern = `${server.replaceAll(/[.[\]]/g, "\\$&")}\\\\?/([A-Za-z0-9_-]+)`;
  const rows = await tx<{ mediaId: string }[]>`
    SELECT DISTINCT n.found[1] AS "mediaId" FROM (
      SELECT avatar_url AS said FROM profiles WHERE avatar_url ILIKE ${like}
      UNION ALL SELECT fields FROM profiles WHERE fields ILIKE ${like}
      UNION ALL SELECT content FROM account_data WHERE content ILIKE ${like}
      UNION ALL SELECT content FROM delayed_events WHERE content ILIKE ${like}
      UNION ALL SELECT json FROM staged_events WHERE json ILIKE ${like}) AS t,
      LATERAL regexp_matches(t.said, ${pattern}, 'gi') AS n (found)
    WHERE n.found[1] = ANY (${textArray(ids)}::text[])`;
  return rows.map((row) => row.mediaId);
}
