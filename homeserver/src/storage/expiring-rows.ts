/** Rows that expire, and of which a user has a few at most. */
import type { Sql, Tx } from "./sql.ts";

/** Tables whose rows have `expires_ts` (ms since 1970), and the key of each. */
const KEYS = {
  address_confirmations: "sid",
  browser_sessions: "token_hash",
  cross_signing_resets: "user_id",
  login_tokens: "token_hash",
  mail_quotas: "address_hash",
  oauth_codes: "code_hash",
  oauth_device_grants: "code_hash",
  uia_sessions: "session_hash",
} as const;

type ExpiringTable = keyof typeof KEYS;
/** Those whose rows have `user_id`. */
type TableOfUsers = Exclude<ExpiringTable, "address_confirmations" | "mail_quotas">;

/**
 * Deletes the rows that are too old. Those that another replica is clearing away are left to it:
 * both would wait for each other.
 */
export async function deleteExpired(tx: Tx, table: ExpiringTable, now: number): Promise<void> {
  const [from, key] = [tx(table), tx(KEYS[table])];
  await tx`
    DELETE FROM ${from} WHERE ${key} IN (
      SELECT ${key} FROM ${from} WHERE expires_ts <= ${now} FOR UPDATE SKIP LOCKED)`;
}

/** Deletes all rows of a user (null: of nobody who is signed in) but the `max` that last longest. */
export async function keepNewest(
  tx: Sql | Tx,
  table: TableOfUsers,
  userId: string | null,
  max: number,
): Promise<void> {
  const [from, key] = [tx(table), tx(KEYS[table])];
  const ofUser = userId === null ? tx`user_id IS NULL` : tx`user_id = ${userId}`;
  await tx`
    DELETE FROM ${from} WHERE ${key} IN (
      SELECT ${key} FROM ${from} WHERE ${ofUser}
      ORDER BY expires_ts DESC OFFSET ${max} FOR UPDATE SKIP LOCKED)`;
}
