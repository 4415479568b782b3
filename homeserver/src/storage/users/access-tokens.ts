import type { UserId } from "../../protocol/identifiers.ts";
import type { Sql, Tx } from "../sql.ts";

/** What an access token stands for, joined with its account. */
export interface AccessTokenRow {
  userId: string;
  deviceId: string;
  refreshHash: Buffer | null;
  expiresTs: number | null;
  used: boolean;
  isAdmin: boolean;
  isLocked: boolean;
  isSuspended: boolean;
  isShadowBanned: boolean;
  /** null: as many requests as others. */
  ratePerSecond: number | null;
  rateBurst: number | null;
}

/** A refresh token and what it was exchanged for. */
export interface RefreshTokenRow {
  userId: string;
  deviceId: string;
  replacedBy: Buffer | null;
  /** What it was exchanged for has been used: nobody has a reason to show it again. */
  spent: boolean;
}

/** Looks an access token up by its SHA-256. Tokens of closed accounts are not found. */
export async function findAccessToken(
  sql: Sql | Tx,
  tokenHash: Buffer,
): Promise<AccessTokenRow | undefined> {
  const [row] = await sql<AccessTokenRow[]>`
    SELECT t.user_id AS "userId", t.device_id AS "deviceId", t.refresh_hash AS "refreshHash",
      t.expires_ts AS "expiresTs", t.used, a.is_admin AND t.issued_to IS NULL AS "isAdmin",
      a.locked_ts IS NOT NULL AS "isLocked", a.suspended_ts IS NOT NULL AS "isSuspended",
      a.shadow_banned_ts IS NOT NULL AS "isShadowBanned",
      a.rate_per_second AS "ratePerSecond", a.rate_burst AS "rateBurst"
    FROM access_tokens t JOIN accounts a USING (user_id)
    WHERE t.token_hash = ${tokenHash} AND a.deactivated_ts IS NULL`;
  return row;
}

/** Stores an access token. */
export async function insertAccessToken(
  tx: Sql | Tx,
  token: {
    tokenHash: Buffer;
    userId: string;
    deviceId: string;
    refreshHash: Buffer | null;
    createdTs: number;
    expiresTs: number | null;
    /** The administrator who acts as the user by it. */
    issuedTo?: string | null;
  },
): Promise<void> {
  await tx`
    INSERT INTO access_tokens (token_hash, user_id, device_id, refresh_hash, created_ts, expires_ts,
      issued_to)
    VALUES (${token.tokenHash}, ${token.userId}, ${token.deviceId}, ${token.refreshHash},
      ${token.createdTs}, ${token.expiresTs}, ${token.issuedTo ?? null})`;
}

/** Deletes a token of a device. False if there is none such. */
export async function deleteAccessToken(
  tx: Tx,
  tokenHash: Buffer,
  deviceId: string,
): Promise<boolean> {
  const gone = await tx`
    DELETE FROM access_tokens WHERE token_hash = ${tokenHash} AND device_id = ${deviceId}`;
  return gone.count === 1;
}

/** Deletes a user's tokens of a device that are too old. */
export async function deleteExpiredTokens(
  tx: Tx,
  userId: string,
  deviceId: string,
  now: number,
): Promise<void> {
  await tx`
    DELETE FROM access_tokens
    WHERE user_id = ${userId} AND device_id = ${deviceId} AND expires_ts <= ${now}`;
}

/** Deletes the tokens by which an administrator acts as others, and returns as whom. */
export async function deleteTokensIssuedTo(tx: Tx, administrator: string): Promise<UserId[]> {
  const rows = await tx<{ userId: UserId }[]>`
    DELETE FROM access_tokens WHERE issued_to = ${administrator} RETURNING user_id AS "userId"`;
  return [...new Set(rows.map((row) => row.userId))];
}

/** Stores a refresh token. */
export async function insertRefreshToken(
  tx: Sql | Tx,
  token: { tokenHash: Buffer; userId: string; deviceId: string; createdTs: number },
): Promise<void> {
  await tx`
    INSERT INTO refresh_tokens (token_hash, user_id, device_id, created_ts)
    VALUES (${token.tokenHash}, ${token.userId}, ${token.deviceId}, ${token.createdTs})`;
}

/** Refresh tokens of a device that were used up and are still known as such. */
const SPENT_KEPT = 100;

/** Looks a refresh token up by its SHA-256 and locks its row until the transaction ends. */
export async function lockRefreshToken(
  tx: Tx,
  tokenHash: Buffer,
): Promise<RefreshTokenRow | undefined> {
  const [row] = await tx<RefreshTokenRow[]>`
    SELECT user_id AS "userId", device_id AS "deviceId", replaced_by AS "replacedBy", spent
    FROM refresh_tokens WHERE token_hash = ${tokenHash} FOR UPDATE`;
  return row;
}

/** Notes which refresh token was given out in exchange for another. */
export async function replaceRefreshToken(
  tx: Sql | Tx,
  old: Buffer,
  successor: Buffer,
): Promise<void> {
  await tx`UPDATE refresh_tokens SET replaced_by = ${successor} WHERE token_hash = ${old}`;
}

/**
 * Spends one refresh token and deletes the access tokens issued with it; returns the hashes of
 * those.
 */
export async function spendRefreshPair(tx: Tx, refreshHash: Buffer): Promise<Buffer[]> {
  await tx`
    UPDATE refresh_tokens SET spent = true, replaced_by = NULL WHERE token_hash = ${refreshHash}`;
  const rows = await tx<{ hash: Buffer }[]>`
    DELETE FROM access_tokens WHERE refresh_hash = ${refreshHash} RETURNING token_hash AS hash`;
  return rows.map((row) => row.hash);
}

/**
 * The pair that `refreshHash` belongs to is in use: spends the refresh tokens that it replaced, and
 * deletes their access tokens. Returns the hashes of deleted access tokens.
 */
export async function retirePredecessors(tx: Sql | Tx, refreshHash: Buffer): Promise<Buffer[]> {
  const rows = await tx<{ hash: Buffer }[]>`
    WITH old AS (
      UPDATE refresh_tokens SET spent = true, replaced_by = NULL
      WHERE replaced_by = ${refreshHash} RETURNING token_hash
    )
    DELETE FROM access_tokens a USING old WHERE a.refresh_hash = old.token_hash
    RETURNING a.token_hash AS hash`;
  return rows.map((row) => row.hash);
}

/** Forgets the oldest spent refresh tokens of a device, where there are many. */
export async function pruneSpentTokens(
  tx: Sql | Tx,
  userId: string,
  deviceId: string,
): Promise<void> {
  await tx`
    DELETE FROM refresh_tokens WHERE token_hash IN (
      SELECT token_hash FROM refresh_tokens
      WHERE user_id = ${userId} AND device_id = ${deviceId} AND spent
      ORDER BY created_ts DESC OFFSET ${SPENT_KEPT})`;
}

/** Marks an access token as seen in a request. */
export async function markAccessTokenUsed(tx: Sql | Tx, tokenHash: Buffer): Promise<void> {
  await tx`UPDATE access_tokens SET used = true WHERE token_hash = ${tokenHash}`;
}

/** The device that an access or refresh token belongs to, expired or spent ones included. */
export async function findTokenOwner(
  sql: Sql | Tx,
  tokenHash: Buffer,
): Promise<{ userId: string; deviceId: string } | undefined> {
  const [row] = await sql<{ userId: string; deviceId: string }[]>`
    SELECT user_id AS "userId", device_id AS "deviceId" FROM access_tokens
    WHERE token_hash = ${tokenHash}
    UNION ALL
    SELECT user_id, device_id FROM refresh_tokens WHERE token_hash = ${tokenHash}
    LIMIT 1`;
  return row;
}

/** Deletes every token of the named devices of a user. */
export async function deleteDeviceTokens(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  const ids = deviceIds as string[];
  await tx`
    WITH gone AS (
      DELETE FROM refresh_tokens WHERE user_id = ${userId} AND device_id = ANY(${ids}::text[])
    )
    DELETE FROM access_tokens WHERE user_id = ${userId} AND device_id = ANY(${ids}::text[])`;
}

/** Stores a one-time sign-in token. */
export async function insertLoginToken(
  tx: Sql | Tx,
  tokenHash: Buffer,
  userId: string,
  expiresTs: number,
): Promise<void> {
  await tx`
    INSERT INTO login_tokens (token_hash, user_id, expires_ts)
    VALUES (${tokenHash}, ${userId}, ${expiresTs})`;
}

/** Whose one-time sign-in token that is; undefined if unknown or too late. */
export async function findLoginToken(
  tx: Sql | Tx,
  tokenHash: Buffer,
  now: number,
): Promise<string | undefined> {
  const [row] = await tx<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM login_tokens
    WHERE token_hash = ${tokenHash} AND expires_ts > ${now}`;
  return row?.userId;
}

/**
 * Uses up a one-time sign-in token. False if it was used meanwhile. Those that are too old go as
 * well.
 */
export async function takeLoginToken(tx: Tx, tokenHash: Buffer, now: number): Promise<boolean> {
  const result = await tx`DELETE FROM login_tokens WHERE token_hash = ${tokenHash}`;
  await tx`DELETE FROM login_tokens WHERE expires_ts <= ${now}`;
  return result.count === 1;
}

/** Deletes the one-time sign-in tokens of a user. */
export async function deleteLoginTokens(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM login_tokens WHERE user_id = ${userId}`;
}
