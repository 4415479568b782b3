import type { Sql, Tx } from "../sql.ts";

/** A row of accounts. Times are ms since 1970. */
export interface AccountRow {
  userId: string;
  passwordHash: string | null;
  isAdmin: boolean;
  createdTs: number;
  deactivatedTs: number | null;
  /** Null: it is not locked. */
  lockedTs: number | null;
  /** Null: it is not suspended. */
  suspendedTs: number | null;
  erased: boolean;
  /** Id of the application service that opened it; null: none. */
  appservice: string | null;
  /** Null: others get what it sends. */
  shadowBannedTs: number | null;
  /** null: as many requests as others. */
  ratePerSecond: number | null;
  rateBurst: number | null;
}

/** The account of a full user id, closed ones included. */
export async function findAccount(sql: Sql | Tx, userId: string): Promise<AccountRow | undefined> {
  const [row] = await sql<AccountRow[]>`
    SELECT user_id AS "userId", password_hash AS "passwordHash", is_admin AS "isAdmin",
      created_ts AS "createdTs", deactivated_ts AS "deactivatedTs", erased,
      locked_ts AS "lockedTs", suspended_ts AS "suspendedTs", appservice,
      shadow_banned_ts AS "shadowBannedTs",
      rate_per_second AS "ratePerSecond", rate_burst AS "rateBurst"
    FROM accounts WHERE user_id = ${userId}`;
  return row;
}

/** Creates an account. False if the name was ever given before. */
export async function insertAccount(
  tx: Sql | Tx,
  account: Pick<AccountRow, "userId" | "passwordHash" | "isAdmin" | "createdTs" | "appservice"> & {
    userType: string | null;
  },
): Promise<boolean> {
  const result = await tx`
    INSERT INTO accounts (user_id, password_hash, is_admin, created_ts, appservice, user_type)
    VALUES (${account.userId}, ${account.passwordHash}, ${account.isAdmin}, ${account.createdTs},
      ${account.appservice}, ${account.userType})
    ON CONFLICT (user_id) DO NOTHING`;
  return result.count === 1;
}

/** Whether any person has an account: false only before the first registration. */
export async function anyAccount(sql: Sql | Tx): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    SELECT EXISTS (SELECT FROM accounts WHERE appservice IS NULL) AS found`;
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
 * The password hash of an open account (null: it has none), and whether administrators have locked
 * it. Both stay as they are until the transaction ends. Undefined when the account is closed or was
 * never there.
 */
export async function holdAccount(
  tx: Tx,
  userId: string,
): Promise<{ passwordHash: string | null; isLocked: boolean } | undefined> {
  const [row] = await tx<{ passwordHash: string | null; isLocked: boolean }[]>`
    SELECT password_hash AS "passwordHash", locked_ts IS NOT NULL AS "isLocked" FROM accounts
    WHERE user_id = ${userId} AND deactivated_ts IS NULL FOR SHARE`;
  return row;
}

/** Locks an open account against its user, or ends that (null). One that is locked stays as it is. */
export async function setLockedTs(tx: Tx, userId: string, ts: number | null): Promise<void> {
  await tx`
    UPDATE accounts SET locked_ts = CASE WHEN ${ts}::bigint IS NULL THEN NULL ELSE coalesce(locked_ts, ${ts}) END
    WHERE user_id = ${userId} AND deactivated_ts IS NULL`;
}

/** Suspends an open account, or ends that (null). One that is suspended stays as it is. */
export async function setSuspendedTs(tx: Tx, userId: string, ts: number | null): Promise<void> {
  await tx`
    UPDATE accounts SET suspended_ts = CASE WHEN ${ts}::bigint IS NULL THEN NULL ELSE coalesce(suspended_ts, ${ts}) END
    WHERE user_id = ${userId} AND deactivated_ts IS NULL`;
}

/** Shadow-bans an open account, or ends that (null). One that is so stays as it is. */
export async function setShadowBannedTs(tx: Tx, userId: string, ts: number | null): Promise<void> {
  await tx`
    UPDATE accounts SET shadow_banned_ts =
      CASE WHEN ${ts}::bigint IS NULL THEN NULL ELSE coalesce(shadow_banned_ts, ${ts}) END
    WHERE user_id = ${userId} AND deactivated_ts IS NULL`;
}

/** Gives an account a rate of its own, or everybody's again (null). */
export async function setRate(
  tx: Tx,
  userId: string,
  rate: { readonly perSecond: number; readonly burst: number } | null,
): Promise<void> {
  await tx`
    UPDATE accounts SET rate_per_second = ${rate?.perSecond ?? null},
      rate_burst = ${rate?.burst ?? null}
    WHERE user_id = ${userId}`;
}

/** Locks an account until the transaction ends; false when it is closed or was never there. */
export async function lockAccount(tx: Tx, userId: string): Promise<boolean> {
  const rows = await tx`
    SELECT 1 FROM accounts WHERE user_id = ${userId} AND deactivated_ts IS NULL FOR UPDATE`;
  return rows.length === 1;
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
