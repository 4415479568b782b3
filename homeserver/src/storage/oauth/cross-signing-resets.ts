import { deleteExpired } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

/** Lets a user's cross-signing keys be replaced, once and until then. */
export async function insertCrossSigningReset(
  tx: Tx,
  userId: string,
  now: number,
  expiresTs: number,
): Promise<void> {
  await deleteExpired(tx, "cross_signing_resets", now);
  await tx`
    INSERT INTO cross_signing_resets (user_id, expires_ts) VALUES (${userId}, ${expiresTs})
    ON CONFLICT (user_id) DO UPDATE SET expires_ts = excluded.expires_ts`;
}

/** Uses that up. False if the user has not allowed it, or too long ago. */
export async function takeCrossSigningReset(
  sql: Sql | Tx,
  userId: string,
  now: number,
): Promise<boolean> {
  const rows = await sql<{ expiresTs: number }[]>`
    DELETE FROM cross_signing_resets WHERE user_id = ${userId}
    RETURNING expires_ts AS "expiresTs"`;
  return rows.some(({ expiresTs }) => expiresTs > now);
}
