/** Accounts as administrators look at them and change them. */
import { type Sql, textArray, type Tx } from "../sql.ts";

/** Times are ms since 1970. */
export interface ListedUser {
  readonly userId: string;
  readonly isAdmin: boolean;
  readonly userType: string | null;
  readonly isDeactivated: boolean;
  readonly erased: boolean;
  readonly isShadowBanned: boolean;
  readonly isLocked: boolean;
  readonly isSuspended: boolean;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  readonly createdTs: number;
  /** Null: it was never seen. */
  readonly seenTs: number | null;
  /** Id of the application service that opened it. */
  readonly appservice: string | null;
}

/** Which users are listed; undefined: that does not matter. */
export interface UserFilter {
  /** A part of the user id. */
  readonly userId?: string | undefined;
  /** A part of the localpart or the display name, in lower case. */
  readonly name?: string | undefined;
  readonly isAdmin?: boolean | undefined;
  readonly isDeactivated?: boolean | undefined;
  readonly isLocked?: boolean | undefined;
  readonly isSuspended?: boolean | undefined;
  readonly isShadowBanned?: boolean | undefined;
  /** Types that are left out; "" is that of accounts without one. */
  readonly notTypes: readonly string[];
}

export interface UserPage {
  readonly from: number;
  readonly limit: number;
  readonly orderBy: keyof typeof ORDERS;
  readonly backwards: boolean;
}

/** By what a list may be ordered. Nobody is a guest. */
const ORDERS = {
  name: "user_id",
  is_guest: "user_id",
  displayname: "displayname",
  avatar_url: "avatar_url",
  admin: "is_admin",
  deactivated: "deactivated",
  locked: "locked",
  suspended: "suspended",
  shadow_banned: "shadow_banned",
  erased: "erased",
  user_type: "user_type",
  creation_ts: "created_ts",
  last_seen_ts: "seen_ts",
} as const;

const columns = (sql: Sql | Tx) => sql`
  a.user_id, a.is_admin, a.user_type, a.erased, a.created_ts, a.appservice,
  a.deactivated_ts IS NOT NULL AS deactivated, a.shadow_banned_ts IS NOT NULL AS shadow_banned,
  a.locked_ts IS NOT NULL AS locked, a.suspended_ts IS NOT NULL AS suspended,
  p.displayname, p.avatar_url`;

const seen = (sql: Sql | Tx, user: string) => sql`
  (SELECT max(ts) FROM (
    SELECT max(d.last_seen_ts) AS ts FROM devices d WHERE d.user_id = ${sql(user)}.user_id
    UNION ALL
    SELECT f.last_seen_ts FROM former_sightings f WHERE f.user_id = ${sql(user)}.user_id) s)`;

const names = (sql: Sql | Tx) => sql`
  user_id AS "userId", is_admin AS "isAdmin", user_type AS "userType", erased,
  deactivated AS "isDeactivated", shadow_banned AS "isShadowBanned", locked AS "isLocked",
  suspended AS "isSuspended", displayname AS "displayName", avatar_url AS "avatarUrl",
  created_ts AS "createdTs", appservice`;

function conditions(sql: Sql | Tx, filter: UserFilter) {
  const { userId, name, isAdmin, isDeactivated, isLocked, notTypes } = filter;
  const { isSuspended, isShadowBanned } = filter;
  const named =
    name === undefined
      ? userId !== undefined && sql`AND strpos(lower(a.user_id), ${userId}) > 0`
      : sql`AND (strpos(lower(split_part(substr(a.user_id, 2), ':', 1)), ${name}) > 0
          OR strpos(lower(p.displayname), ${name}) > 0)`;
  const parts = [
    named,
    isAdmin !== undefined && sql`AND a.is_admin = ${isAdmin}`,
    isDeactivated !== undefined && sql`AND (a.deactivated_ts IS NOT NULL) = ${isDeactivated}`,
    isLocked !== undefined && sql`AND (a.locked_ts IS NOT NULL) = ${isLocked}`,
    isSuspended !== undefined && sql`AND (a.suspended_ts IS NOT NULL) = ${isSuspended}`,
    isShadowBanned !== undefined && sql`AND (a.shadow_banned_ts IS NOT NULL) = ${isShadowBanned}`,
    notTypes.length > 0 &&
      sql`AND coalesce(a.user_type, '') <> ALL (${textArray(notTypes)}::text[])`,
  ];
  return parts.reduce((all, part) => (part === false ? all : sql`${all} ${part}`), sql`true`);
}

/** A page of users. */
export async function listUsers(
  sql: Sql | Tx,
  filter: UserFilter,
  { from, limit, orderBy, backwards }: UserPage,
): Promise<ListedUser[]> {
  const bySeen = orderBy === "last_seen_ts";
  const by = sql(ORDERS[orderBy]);
  const order =
    ORDERS[orderBy] === "user_id"
      ? sql`user_id ${backwards && orderBy === "name" ? sql`DESC` : sql``}`
      : sql`${by} ${backwards ? sql`DESC` : sql``}, user_id`;
  return sql<ListedUser[]>`
    WITH page AS (
      SELECT * FROM (
        SELECT ${columns(sql)} ${bySeen ? sql`, ${seen(sql, "a")} AS seen_ts` : sql``}
        FROM accounts a LEFT JOIN profiles p USING (user_id) WHERE ${conditions(sql, filter)}) u
      ORDER BY ${order} OFFSET ${from} LIMIT ${limit})
    SELECT ${names(sql)}, ${bySeen ? sql`seen_ts` : seen(sql, "page")} AS "seenTs"
    FROM page ORDER BY ${order}`;
}

/** How many users a filter leaves. */
export async function countUsers(sql: Sql | Tx, filter: UserFilter): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*)::integer AS n FROM accounts a LEFT JOIN profiles p USING (user_id)
    WHERE ${conditions(sql, filter)}`;
  return row?.n ?? 0;
}

/** One user, closed accounts included. */
export async function findUser(sql: Sql | Tx, userId: string): Promise<ListedUser | undefined> {
  const [row] = await sql<ListedUser[]>`
    WITH page AS (
      SELECT ${columns(sql)} FROM accounts a LEFT JOIN profiles p USING (user_id)
      WHERE a.user_id = ${userId})
    SELECT ${names(sql)}, ${seen(sql, "page")} AS "seenTs" FROM page`;
  return row;
}

/** What a user has agreed to, and when they last did. */
export async function agreementOf(
  sql: Sql | Tx,
  userId: string,
): Promise<{ versions: string; ts: number } | undefined> {
  const [row] = await sql<{ versions: string | null; ts: number }[]>`
    SELECT string_agg(policy || '=' || version, ',' ORDER BY policy) AS versions,
      max(agreed_ts) AS ts
    FROM agreed_terms WHERE user_id = ${userId}`;
  return row?.versions == null ? undefined : { versions: row.versions, ts: row.ts };
}

/** Locks an account, closed ones included, until the transaction ends. */
export async function lockUser(tx: Tx, userId: string): Promise<void> {
  await tx`SELECT 1 FROM accounts WHERE user_id = ${userId} FOR UPDATE`;
}

/** Makes an account an administrator's, or no longer one's. */
export async function setAdministrator(tx: Tx, userId: string, isAdmin: boolean): Promise<void> {
  await tx`UPDATE accounts SET is_admin = ${isAdmin} WHERE user_id = ${userId}`;
}

export async function setUserType(tx: Tx, userId: string, type: string | null): Promise<void> {
  await tx`UPDATE accounts SET user_type = ${type} WHERE user_id = ${userId}`;
}

/** Opens a closed account again. */
export async function reopenAccount(tx: Tx, userId: string): Promise<void> {
  await tx`UPDATE accounts SET deactivated_ts = NULL WHERE user_id = ${userId}`;
}
