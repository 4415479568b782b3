import { type Sql, textArray, type Tx } from "../sql.ts";

/** A row of oauth_sessions, without its owner. */
export interface OAuthSessionRow {
  clientId: string;
  scope: string;
  /** SHA-256 of the code that it came of. */
  grantHash: Buffer;
}

/** Notes how a device was signed in; undefined: not by OAuth. */
export async function setOAuthSession(
  tx: Tx,
  userId: string,
  deviceId: string,
  session: OAuthSessionRow | undefined,
): Promise<void> {
  await tx`DELETE FROM oauth_sessions WHERE user_id = ${userId} AND device_id = ${deviceId}`;
  if (session === undefined) return;
  await tx`
    INSERT INTO oauth_sessions (user_id, device_id, client_id, scope, grant_hash)
    VALUES (${userId}, ${deviceId}, ${session.clientId}, ${session.scope}, ${session.grantHash})`;
}

/** How a device was signed in by OAuth; undefined: it was not. */
export async function findOAuthSession(
  sql: Sql | Tx,
  userId: string,
  deviceId: string,
): Promise<OAuthSessionRow | undefined> {
  const [row] = await sql<OAuthSessionRow[]>`
    SELECT client_id AS "clientId", scope, grant_hash AS "grantHash"
    FROM oauth_sessions WHERE user_id = ${userId} AND device_id = ${deviceId}`;
  return row;
}

/** The device that was signed in with a code. */
export async function deviceOfGrant(
  sql: Sql | Tx,
  grantHash: Buffer,
): Promise<{ userId: string; deviceId: string } | undefined> {
  const [row] = await sql<{ userId: string; deviceId: string }[]>`
    SELECT user_id AS "userId", device_id AS "deviceId"
    FROM oauth_sessions WHERE grant_hash = ${grantHash}`;
  return row;
}

/** Forgets how devices were signed in. */
export async function deleteOAuthSessions(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM oauth_sessions
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])`;
}

/** Ends what a user has granted or allowed and nobody has used yet. */
export async function deleteGrantsOf(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM oauth_codes WHERE user_id = ${userId}`;
  await tx`DELETE FROM oauth_device_grants WHERE user_id = ${userId}`;
  await tx`DELETE FROM cross_signing_resets WHERE user_id = ${userId}`;
}
