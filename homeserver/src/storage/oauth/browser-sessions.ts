import { deleteExpired, keepNewest } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

/** Stores a session. All but the user's newest `max` end, and those that are too old. */
export async function insertBrowserSession(
  tx: Tx,
  session: { tokenHash: Buffer; userId: string; expiresTs: number; now: number; max: number },
): Promise<void> {
  await deleteExpired(tx, "browser_sessions", session.now);
  await tx`
    INSERT INTO browser_sessions (token_hash, user_id, expires_ts)
    VALUES (${session.tokenHash}, ${session.userId}, ${session.expiresTs})`;
  await keepNewest(tx, "browser_sessions", session.userId, session.max);
}

/**
 * Whose session that is; undefined where it is unknown or too old, or the account is closed or
 * locked.
 */
export async function findBrowserSession(
  sql: Sql | Tx,
  tokenHash: Buffer,
  now: number,
): Promise<string | undefined> {
  const [row] = await sql<{ userId: string }[]>`
    SELECT b.user_id AS "userId" FROM browser_sessions b JOIN accounts a USING (user_id)
    WHERE b.token_hash = ${tokenHash} AND b.expires_ts > ${now} AND a.deactivated_ts IS NULL
      AND a.locked_ts IS NULL`;
  return row?.userId;
}

/** Ends one session. */
export async function deleteBrowserSession(sql: Sql | Tx, tokenHash: Buffer): Promise<void> {
  await sql`DELETE FROM browser_sessions WHERE token_hash = ${tokenHash}`;
}

/** Ends all sessions of a user. */
export async function deleteBrowserSessionsOf(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM browser_sessions WHERE user_id = ${userId}`;
}
