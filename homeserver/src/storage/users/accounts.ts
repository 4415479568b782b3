import type { Sql, Tx } from "../sql.ts";

/** A row of accounts. Times are ms since 1970. */
export interface AccountRow {
  userId: string;
  passwordHash: string | null;
  isAdmin: boolean;
  createdTs: number;
  deactivatedTs: number | null;
  erased: boolean;
}

/** The account of a full user id, closed ones included. */
export async function findAccount(sql: Sql | Tx, userId: string): Promise<AccountRow | undefined> {
  const [row] = await sql<AccountRow[]>`
    SELECT user_id AS "userId", password_hash AS "passwordHash", is_admin AS "isAdmin",
      created_ts AS "createdTs", deactivated_ts AS "deactivatedTs", erased
    FROM accounts WHERE user_id = ${userId}`;
  return row;
}

/** Creates an account. False if the name was ever given before. */
export async function insertAccount(
  tx: Sql | Tx,
  account: Pick<AccountRow, "userId" | "passwordHash" | "isAdmin" | "createdTs">,
): Promise<boolean> {
  const result = await tx`
    INSERT INTO accounts (user_id, password_hash, is_admin, created_ts)
    VALUES (${account.userId}, ${account.passwordHash}, ${account.isAdmin}, ${account.createdTs})
    ON CONFLICT (user_id) DO NOTHING`;
  return result.count === 1;
}

/** Whether any account exists: false only before the first registration. */
export async function anyAccount(sql: Sql | Tx): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`SELECT EXISTS (SELECT FROM accounts) AS found`;
  return row?.found === true;
}

/** Replaces the password hash of an open account. */
export async function updatePasswordHash(
  tx: Sql | Tx,
  userId: string,
  hash: string,
): Promise<void> {
  await tx`
    UPDATE accounts SET password_hash = ${hash} WHERE user_id = ${userId} AND deactivated_ts IS NULL`;
}

/**
 * The password hash of an open account (null: it has none), which stays as it is until the
 * transaction ends; undefined when the account is closed or was never there.
 */
export async function lockPasswordHash(tx: Tx, userId: string): Promise<string | null | undefined> {
  const [row] = await tx<{ hash: string | null }[]>`
    SELECT password_hash AS hash FROM accounts
    WHERE user_id = ${userId} AND deactivated_ts IS NULL FOR SHARE`;
  return row?.hash;
}

/** Closes an account for good. The row stays, so that the name cannot be taken again. */
export async function closeAccount(
  tx: Sql | Tx,
  userId: string,
  closedTs: number,
  erase: boolean,
): Promise<void> {
  await tx`
    UPDATE accounts SET deactivated_ts = ${closedTs}, password_hash = NULL, erased = erased OR ${erase}
    WHERE user_id = ${userId}`;
}

/** Local users whose account is closed and who are still in rooms: closing was cut short. */
export async function closedAccountsInRooms(sql: Sql | Tx): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT DISTINCT a.user_id AS "userId" FROM accounts a JOIN memberships m USING (user_id)
    WHERE a.deactivated_ts IS NOT NULL AND m.membership IN ('join', 'invite', 'knock')`;
  return rows.map((row) => row.userId);
}
