import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** A backup without its keys. */
export interface KeyBackupRow {
  readonly version: number;
  readonly algorithm: string;
  /** JSON object text. */
  readonly authData: string;
  readonly etag: number;
  /** The number of keys, and their size in bytes. */
  readonly count: number;
  readonly bytes: number;
}

/** The key of one session. */
export interface BackedUpKey {
  readonly roomId: string;
  readonly sessionId: string;
  readonly firstMessageIndex: number;
  readonly forwardedCount: number;
  readonly isVerified: boolean;
  /** JSON object text. */
  readonly sessionData: string;
}

/** Which keys of a backup: all, those of a room, or that of a session. */
export interface KeySelection {
  readonly roomId?: string | undefined;
  readonly sessionId?: string | undefined;
}

/** Bytes that a key is counted with besides its data. */
const KEY_BYTES = 256;

const backupColumns = (sql: Sql | Tx) => sql`
  version, algorithm, auth_data AS "authData", etag, count, bytes`;

/** The newest backup of a user that is not deleted. */
export async function findNewestBackup(
  sql: Sql | Tx,
  userId: string,
): Promise<KeyBackupRow | undefined> {
  const [row] = await sql<KeyBackupRow[]>`
    SELECT ${backupColumns(sql)} FROM key_backups
    WHERE user_id = ${userId} AND NOT deleted ORDER BY version DESC LIMIT 1`;
  return row;
}

/** A backup that is not deleted. */
export async function findBackup(
  sql: Sql | Tx,
  userId: string,
  version: number,
): Promise<KeyBackupRow | undefined> {
  const [row] = await sql<KeyBackupRow[]>`
    SELECT ${backupColumns(sql)} FROM key_backups
    WHERE user_id = ${userId} AND version = ${version} AND NOT deleted`;
  return row;
}

/** A backup that is not deleted, locked until the transaction ends. */
export async function lockBackup(
  tx: Tx,
  userId: string,
  version: number,
): Promise<KeyBackupRow | undefined> {
  const [row] = await tx<KeyBackupRow[]>`
    SELECT ${backupColumns(tx)} FROM key_backups
    WHERE user_id = ${userId} AND version = ${version} AND NOT deleted FOR UPDATE`;
  return row;
}

/** The greatest version that a user was ever given; 0 for none. */
export async function greatestVersion(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    SELECT coalesce(max(version), 0) AS version FROM key_backups WHERE user_id = ${userId}`;
  return row!.version;
}

/** The size of a user's backups, in bytes. */
export async function backupBytes(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    SELECT coalesce(sum(bytes + octet_length(auth_data) + ${KEY_BYTES}), 0)::bigint AS bytes
    FROM key_backups WHERE user_id = ${userId}`;
  return row!.bytes;
}

/**
 * Creates a backup with the next version, and returns that. Of two at once one violates the unique
 * index.
 */
export async function insertBackup(
  tx: Tx,
  backup: { userId: string; algorithm: string; authData: string },
): Promise<number> {
  const version = (await greatestVersion(tx, backup.userId)) + 1;
  await tx`
    INSERT INTO key_backups (user_id, version, algorithm, auth_data)
    VALUES (${backup.userId}, ${version}, ${backup.algorithm}, ${backup.authData})`;
  // The greatest number is known without those that were deleted before.
  await tx`DELETE FROM key_backups WHERE user_id = ${backup.userId} AND deleted`;
  return version;
}

export async function updateAuthData(
  tx: Tx,
  userId: string,
  version: number,
  authData: string,
): Promise<void> {
  await tx`
    UPDATE key_backups SET auth_data = ${authData}
    WHERE user_id = ${userId} AND version = ${version}`;
}

/** Deletes a backup with its keys. What stays is its number. */
export async function deleteBackup(tx: Tx, userId: string, version: number): Promise<void> {
  await tx`
    UPDATE key_backups SET deleted = true, algorithm = '', auth_data = '{}', count = 0, bytes = 0
    WHERE user_id = ${userId} AND version = ${version}`;
  await tx`DELETE FROM backed_up_keys WHERE user_id = ${userId} AND version = ${version}`;
}

/** Deletes all backups of a user. */
export async function deleteBackups(tx: Tx, userId: string): Promise<void> {
  await tx`DELETE FROM key_backups WHERE user_id = ${userId}`;
  await tx`DELETE FROM backed_up_keys WHERE user_id = ${userId}`;
}

/**
 * Writes keys into a locked backup when they are better than the stored ones: verified rather than
 * not, then from an earlier message on, then forwarded less often. Returns how many were written
 * and added, and by how many bytes the backup grew.
 */
export async function writeKeys(
  tx: Tx,
  userId: string,
  version: number,
  keys: readonly BackedUpKey[],
): Promise<{ written: number; added: number; bytes: number }> {
  const [row] = await tx<{ written: number; added: number; bytes: number }[]>`
    WITH given AS (
      SELECT * FROM unnest(
        ${textArray(keys.map((key) => key.roomId))}::text[],
        ${textArray(keys.map((key) => key.sessionId))}::text[],
        ${numberArray(keys.map((key) => key.firstMessageIndex))}::bigint[],
        ${numberArray(keys.map((key) => key.forwardedCount))}::bigint[],
        ${numberArray(keys.map((key) => (key.isVerified ? 1 : 0)))}::int[],
        ${textArray(keys.map((key) => key.sessionData))}::text[]
      ) AS g (room_id, session_id, first_message_index, forwarded_count, verified, session_data)
    ), before AS (
      SELECT k.room_id, k.session_id, octet_length(k.session_data) AS bytes
      FROM backed_up_keys k JOIN given g USING (room_id, session_id)
      WHERE k.user_id = ${userId} AND k.version = ${version}
    ), written AS (
      INSERT INTO backed_up_keys AS k (user_id, version, room_id, session_id,
        first_message_index, forwarded_count, is_verified, session_data)
      SELECT ${userId}, ${version}, g.room_id, g.session_id, g.first_message_index,
        g.forwarded_count, g.verified = 1, g.session_data
      FROM given g ORDER BY g.room_id, g.session_id
      ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET
        first_message_index = excluded.first_message_index,
        forwarded_count = excluded.forwarded_count, is_verified = excluded.is_verified,
        session_data = excluded.session_data
      WHERE (NOT excluded.is_verified, excluded.first_message_index, excluded.forwarded_count)
          < (NOT k.is_verified, k.first_message_index, k.forwarded_count)
      RETURNING room_id, session_id, octet_length(session_data) AS bytes
    )
    SELECT count(*) AS written, count(*) FILTER (WHERE b.bytes IS NULL) AS added,
      coalesce(sum(w.bytes - coalesce(b.bytes, -${KEY_BYTES}::int)), 0)::bigint AS bytes
    FROM written w LEFT JOIN before b USING (room_id, session_id)`;
  return row!;
}

/** Deletes keys of a locked backup. Returns how many, and their size in bytes. */
export async function deleteKeys(
  tx: Tx,
  userId: string,
  version: number,
  which: KeySelection,
): Promise<{ deleted: number; bytes: number }> {
  const [row] = await tx<{ deleted: number; bytes: number }[]>`
    WITH gone AS (
      DELETE FROM backed_up_keys WHERE user_id = ${userId} AND version = ${version}
        ${selected(tx, which)}
      RETURNING octet_length(session_data) + ${KEY_BYTES} AS bytes
    )
    SELECT count(*) AS deleted, coalesce(sum(bytes), 0)::bigint AS bytes FROM gone`;
  return row!;
}

/** Notes in a locked backup that its keys have changed; returns its new content. */
export async function noteChange(
  tx: Tx,
  userId: string,
  version: number,
  change: { added: number; bytes: number },
): Promise<{ etag: number; count: number }> {
  const [row] = await tx<{ etag: number; count: number }[]>`
    UPDATE key_backups SET etag = etag + 1, count = count + ${change.added},
      bytes = bytes + ${change.bytes}
    WHERE user_id = ${userId} AND version = ${version} RETURNING etag, count`;
  return row!;
}

/** The next keys after one, in the order of rooms and sessions. */
export async function nextKeys(
  sql: Sql | Tx,
  userId: string,
  version: number,
  which: KeySelection,
  after: Pick<BackedUpKey, "roomId" | "sessionId">,
  limit: number,
): Promise<BackedUpKey[]> {
  return await sql<BackedUpKey[]>`
    SELECT room_id AS "roomId", session_id AS "sessionId",
      first_message_index AS "firstMessageIndex", forwarded_count AS "forwardedCount",
      is_verified AS "isVerified", session_data AS "sessionData"
    FROM backed_up_keys
    WHERE user_id = ${userId} AND version = ${version} ${selected(sql, which)}
      AND (room_id, session_id) > (${after.roomId}, ${after.sessionId})
    ORDER BY room_id, session_id LIMIT ${limit}`;
}

function selected(sql: Sql | Tx, { roomId, sessionId }: KeySelection) {
  const ofRoom = roomId === undefined ? sql`` : sql`AND room_id = ${roomId}`;
  const ofSession = sessionId === undefined ? sql`` : sql`AND session_id = ${sessionId}`;
  return sql`${ofRoom} ${ofSession}`;
}
