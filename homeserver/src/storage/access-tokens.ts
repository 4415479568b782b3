import type { Sql, Tx } from "./sql.ts";

/** What an access token stands for, joined with its account. */
export interface AccessTokenRow {
  userId: string;
  deviceId: string;
  refreshHash: Buffer | null;
  expiresTs: number | null;
  used: boolean;
  isAdmin: boolean;
}

/** A refresh token and what it was exchanged for. */
export interface RefreshTokenRow {
  userId: string;
  deviceId: string;
  replacedBy: Buffer | null;
}

/** Looks an access token up by its SHA-256. Tokens of closed accounts are not found. */
export async function findAccessToken(
  sql: Sql | Tx,
  tokenHash: Buffer,
): Promise<AccessTokenRow | undefined> {
  const [row] = await sql<AccessTokenRow[]>`
    SELECT t.user_id AS "userId", t.device_id AS "deviceId", t.refresh_hash AS "refreshHash",
      t.expires_ts AS "expiresTs", t.used, a.is_admin AS "isAdmin"
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
  },
): Promise<void> {
  await tx`
    INSERT INTO access_tokens (token_hash, user_id, device_id, refresh_hash, created_ts, expires_ts)
    VALUES (${token.tokenHash}, ${token.userId}, ${token.deviceId}, ${token.refreshHash},
      ${token.createdTs}, ${token.expiresTs})`;
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

/** Looks a refresh token up by its SHA-256 and locks its row until the transaction ends. */
export async function lockRefreshToken(
  tx: Tx,
  tokenHash: Buffer,
): Promise<RefreshTokenRow | undefined> {
  const [row] = await tx<RefreshTokenRow[]>`
    SELECT user_id AS "userId", device_id AS "deviceId", replaced_by AS "replacedBy"
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

/** Deletes one refresh token and the access tokens that were given out with it; answers the latter's hashes. */
export async function deleteRefreshPair(tx: Tx, refreshHash: Buffer): Promise<Buffer[]> {
  await tx`DELETE FROM refresh_tokens WHERE token_hash = ${refreshHash}`;
  const rows = await tx<{ hash: Buffer }[]>`
    DELETE FROM access_tokens WHERE refresh_hash = ${refreshHash} RETURNING token_hash AS hash`;
  return rows.map((row) => row.hash);
}

/**
 * The pair that `refreshHash` belongs to is in use: deletes what it replaced, the refresh tokens and their
 * access tokens. Answers the hashes of deleted access tokens.
 */
export async function retirePredecessors(tx: Sql | Tx, refreshHash: Buffer): Promise<Buffer[]> {
  const rows = await tx<{ hash: Buffer }[]>`
    WITH old AS (
      DELETE FROM refresh_tokens WHERE replaced_by = ${refreshHash} RETURNING token_hash
    )
    DELETE FROM access_tokens a USING old WHERE a.refresh_hash = old.token_hash
    RETURNING a.token_hash AS hash`;
  return rows.map((row) => row.hash);
}

/** Marks an access token as seen in a request. */
export async function markAccessTokenUsed(tx: Sql | Tx, tokenHash: Buffer): Promise<void> {
  await tx`UPDATE access_tokens SET used = true WHERE token_hash = ${tokenHash}`;
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

/** Uses up a one-time sign-in token: the user it was for, or undefined if unknown or too late. */
export async function takeLoginToken(
  tx: Tx,
  tokenHash: Buffer,
  now: number,
): Promise<string | undefined> {
  await tx`DELETE FROM login_tokens WHERE expires_ts <= ${now}`;
  const [row] = await tx<{ userId: string }[]>`
    DELETE FROM login_tokens WHERE token_hash = ${tokenHash} RETURNING user_id AS "userId"`;
  return row?.userId;
}

/** Deletes the one-time sign-in tokens of a user. */
export async function deleteLoginTokens(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM login_tokens WHERE user_id = ${userId}`;
}

const CHANNEL = "weft_tokens";

/** Tells every replica, when the transaction commits, to forget what it remembers of a user's tokens. */
export async function notifyTokensChanged(tx: Tx, userId: string): Promise<void> {
  await tx`SELECT pg_notify(${CHANNEL}, ${userId})`;
}

/**
 * Hears of token changes on other replicas. `onReconnect` is called each time the subscription was (re)made,
 * since announcements may have been missed before.
 */
export async function listenTokensChanged(
  sql: Sql,
  onChange: (userId: string) => void,
  onReconnect: () => void,
): Promise<{ unlisten(): Promise<void> }> {
  return await sql.listen(CHANNEL, onChange, onReconnect);
}
