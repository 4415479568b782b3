import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import { numberArray, type Sql, textArray, type Tx } from "../sql.ts";

/** Another server's user, as far as lists of devices are concerned. */
export interface RemoteListRow {
  readonly userId: UserId;
  /** Log position at which the list was right. */
  readonly position: number;
  /** Ids of the snapshot and of the newest updates in it, oldest first; empty: not told. */
  readonly streamIds: readonly number[];
  readonly masterKey: string | null;
  readonly selfSigningKey: string | null;
  readonly isStale: boolean;
  readonly changes: number;
  readonly newestMissed: number;
  /** Ms since 1970; 0: never. */
  readonly readAt: number;
  /** Ms since 1970; null: nobody asked since it is stale. */
  readonly resyncAt: number | null;
  readonly failures: number;
}

export interface RemoteDeviceRow {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly keys: string;
  readonly displayName: string | null;
}

function columns(sql: Sql | Tx) {
  return sql`l.user_id AS "userId", l.position, l.stream_ids AS "streamIds",
    l.master_key AS "masterKey", l.self_signing_key AS "selfSigningKey", l.is_stale AS "isStale",
    l.changes, l.newest_missed AS "newestMissed", l.read_at AS "readAt",
    l.resync_at AS "resyncAt", l.failures`;
}

/** Whether a local user is joined to a room with the user, since `position` if that is given. */
function sharing(sql: Sql | Tx, ours: ServerName, userId: string, position?: string) {
  const since = position
    ? sql`AND theirs.position <= ${sql(position)} AND mine.position <= ${sql(position)}`
    : sql``;
  return sql`EXISTS (
    SELECT 1 FROM memberships theirs JOIN memberships mine ON mine.room_nid = theirs.room_nid
      AND mine.server = ${ours} AND mine.membership = 'join'
    WHERE theirs.user_id = ${sql(userId)} AND theirs.membership = 'join' ${since})`;
}

/** Of users: whether a local user shares a room with them. */
export async function usersSharingWithServer(
  sql: Sql | Tx,
  ours: ServerName,
  userIds: readonly UserId[],
): Promise<Set<UserId>> {
  const rows = await sql<{ userId: UserId }[]>`
    SELECT u.id AS "userId" FROM unnest(${textArray(userIds)}::text[]) AS u (id)
    WHERE ${sharing(sql, ours, "u.id")}`;
  return new Set(rows.map(({ userId }) => userId));
}

/**
 * The lists of users. `isKept`: it is not stale, and a room has been shared since it was right, so
 * that updates of it have come.
 */
export async function findRemoteLists(
  sql: Sql | Tx,
  ours: ServerName,
  userIds: readonly UserId[],
): Promise<(RemoteListRow & { isKept: boolean })[]> {
  return sql<(RemoteListRow & { isKept: boolean })[]>`
    SELECT ${columns(sql)}, ${isKept(sql, ours)} AS "isKept"
    FROM remote_device_lists l WHERE l.user_id = ANY (${textArray(userIds)}::text[])`;
}

function isKept(sql: Sql | Tx, ours: ServerName) {
  return sql`NOT l.is_stale AND ${sharing(sql, ours, "l.user_id", "l.position")}`;
}

/** The lists of users, which nobody else changes until the transaction is over. */
export async function lockRemoteLists(
  tx: Tx,
  userIds: readonly UserId[],
): Promise<Map<UserId, RemoteListRow>> {
  const rows = await tx<RemoteListRow[]>`
    SELECT ${columns(tx)} FROM remote_device_lists l
    WHERE l.user_id = ANY (${textArray(userIds)}::text[]) ORDER BY l.user_id FOR UPDATE`;
  return new Map(rows.map((row) => [row.userId, row]));
}

/** The same of one user's list, and whether it is kept. */
export async function lockRemoteList(
  tx: Tx,
  ours: ServerName,
  userId: UserId,
): Promise<(RemoteListRow & { isKept: boolean }) | undefined> {
  const [row] = await tx<(RemoteListRow & { isKept: boolean })[]>`
    SELECT ${columns(tx)}, ${isKept(tx, ours)} AS "isKept"
    FROM remote_device_lists l WHERE l.user_id = ${userId} FOR UPDATE`;
  return row;
}

/**
 * Counts an update that a stale list misses. Returns whether the list is there, and stale.
 */
export async function countMissed(sql: Sql, userId: UserId, streamId: number): Promise<boolean> {
  const rows = await sql`
    UPDATE remote_device_lists
    SET changes = changes + 1, newest_missed = GREATEST(newest_missed, ${streamId}::bigint)
    WHERE user_id = ${userId} AND is_stale RETURNING 1`;
  return rows.length > 0;
}

/** All devices of users. */
export async function findRemoteDevices(
  sql: Sql | Tx,
  userIds: readonly UserId[],
): Promise<RemoteDeviceRow[]> {
  return sql<RemoteDeviceRow[]>`
    SELECT user_id AS "userId", device_id AS "deviceId", keys, display_name AS "displayName"
    FROM remote_devices WHERE user_id = ANY (${textArray(userIds)}::text[])
    ORDER BY user_id, device_id`;
}

/** Bytes of the keys in users' lists, the smallest first; each with a little for what holds them. */
export async function sizesOfRemoteLists(
  sql: Sql,
  userIds: readonly UserId[],
): Promise<{ userId: UserId; bytes: number }[]> {
  return sql<{ userId: UserId; bytes: number }[]>`
    SELECT l.user_id AS "userId", 100 + coalesce(octet_length(l.master_key), 0)
        + coalesce(octet_length(l.self_signing_key), 0) + coalesce(d.bytes, 0) AS bytes
    FROM remote_device_lists l LEFT JOIN (
      SELECT user_id, sum(octet_length(keys) + 100) AS bytes FROM remote_devices
      WHERE user_id = ANY (${textArray(userIds)}::text[]) GROUP BY user_id) AS d USING (user_id)
    WHERE l.user_id = ANY (${textArray(userIds)}::text[])
    ORDER BY bytes, l.user_id`;
}

/** Writes lists over what there was. */
export async function saveRemoteLists(
  tx: Tx,
  rows: readonly (RemoteListRow & { server: ServerName })[],
): Promise<void> {
  const numbers = (of: (row: RemoteListRow) => number | null) => numberArray(rows.map(of));
  const texts = (of: (row: (typeof rows)[number]) => string | null) => textArray(rows.map(of));
  await tx`
    INSERT INTO remote_device_lists (user_id, server, position, stream_ids, master_key,
      self_signing_key, is_stale, changes, newest_missed, read_at, resync_at, failures)
    SELECT r.user_id, r.server, r.position, r.stream_ids::bigint[], r.master_key,
      r.self_signing_key, r.is_stale::boolean, r.changes, r.newest_missed, r.read_at, r.resync_at,
      r.failures
    FROM unnest(
      ${texts((row) => row.userId)}::text[], ${texts((row) => row.server)}::text[],
      ${numbers((row) => row.position)}::bigint[],
      ${texts((row) => numberArray(row.streamIds))}::text[],
      ${texts((row) => row.masterKey)}::text[], ${texts((row) => row.selfSigningKey)}::text[],
      ${texts((row) => String(row.isStale))}::text[],
      ${numbers((row) => row.changes)}::bigint[], ${numbers((row) => row.newestMissed)}::bigint[],
      ${numbers((row) => row.readAt)}::bigint[], ${numbers((row) => row.resyncAt)}::bigint[],
      ${numbers((row) => row.failures)}::int[])
      AS r (user_id, server, position, stream_ids, master_key, self_signing_key, is_stale, changes,
        newest_missed, read_at, resync_at, failures)
    ORDER BY r.user_id
    ON CONFLICT (user_id) DO UPDATE SET position = excluded.position,
      stream_ids = excluded.stream_ids, master_key = excluded.master_key,
      self_signing_key = excluded.self_signing_key, is_stale = excluded.is_stale,
      changes = excluded.changes, newest_missed = excluded.newest_missed,
      read_at = excluded.read_at, resync_at = excluded.resync_at, failures = excluded.failures`;
}

/** Writes devices over what there was of them. */
export async function saveRemoteDevices(tx: Tx, rows: readonly RemoteDeviceRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx`
    INSERT INTO remote_devices (user_id, device_id, keys, display_name)
    SELECT * FROM unnest(
      ${textArray(rows.map((row) => row.userId))}::text[],
      ${textArray(rows.map((row) => row.deviceId))}::text[],
      ${textArray(rows.map((row) => row.keys))}::text[],
      ${textArray(rows.map((row) => row.displayName))}::text[]) AS r (user_id, device_id, keys, name)
    ORDER BY r.user_id, r.device_id
    ON CONFLICT (user_id, device_id) DO UPDATE SET keys = excluded.keys,
      display_name = excluded.display_name`;
}

export async function deleteRemoteDevices(
  tx: Tx,
  rows: readonly Pick<RemoteDeviceRow, "userId" | "deviceId">[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx`
    DELETE FROM remote_devices d USING unnest(
      ${textArray(rows.map((row) => row.userId))}::text[],
      ${textArray(rows.map((row) => row.deviceId))}::text[]) AS r (user_id, device_id)
    WHERE d.user_id = r.user_id AND d.device_id = r.device_id`;
}

/** Stale lists that may be read anew by now, those that wait longest first. */
export async function listsToResync(
  sql: Sql,
  due: { readonly now: number; readonly without: readonly ServerName[]; readonly limit: number },
): Promise<{ userId: UserId; server: ServerName }[]> {
  return sql<{ userId: UserId; server: ServerName }[]>`
    SELECT user_id AS "userId", server FROM remote_device_lists
    WHERE is_stale AND resync_at <= ${due.now} AND server <> ALL (${textArray(due.without)}::text[])
    ORDER BY resync_at LIMIT ${due.limit}`;
}

/** When the next stale list may be read anew after `now`, ms since 1970; undefined: none. */
export async function nextResync(sql: Sql, now: number): Promise<number | undefined> {
  const [row] = await sql<{ at: number | null }[]>`
    SELECT min(resync_at) AS at FROM remote_device_lists WHERE is_stale AND resync_at > ${now}`;
  return row?.at ?? undefined;
}

/** The stale lists of a server are read anew from `at` on, ms since 1970. */
export async function postponeResyncs(sql: Sql, server: ServerName, at: number): Promise<void> {
  await sql`
    UPDATE remote_device_lists SET resync_at = ${at} WHERE user_id IN (
      SELECT user_id FROM remote_device_lists
      WHERE server = ${server} AND is_stale AND resync_at IS NOT NULL
      ORDER BY user_id FOR UPDATE)`;
}

/** Deletes lists of users with whom no room is shared: of up to `limit` users after one. */
export async function deleteUnsharedLists(
  sql: Sql,
  ours: ServerName,
  after: string,
  limit: number,
): Promise<string | undefined> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM remote_device_lists WHERE user_id > ${after}
    ORDER BY user_id LIMIT ${limit}`;
  const users = textArray(rows.map(({ userId }) => userId));
  await sql`
    DELETE FROM remote_device_lists l WHERE l.user_id IN (
      SELECT l.user_id FROM remote_device_lists l WHERE l.user_id = ANY (${users}::text[])
        AND NOT ${sharing(sql, ours, "l.user_id")}
      ORDER BY l.user_id FOR UPDATE)`;
  return rows.length < limit ? undefined : rows.at(-1)!.userId;
}

/** The same of one user. */
export async function deleteRemoteList(sql: Sql, userId: UserId): Promise<void> {
  await sql`DELETE FROM remote_device_lists WHERE user_id = ${userId}`;
}
