/** Addresses of accounts, and what identity servers were told of them. */
import type { Sql, Tx } from "../sql.ts";

/** An address of an account. Times are ms since 1970. */
export interface AddressRow {
  readonly medium: string;
  readonly address: string;
  readonly confirmedTs: number;
  readonly addedTs: number;
}

/** An address that an identity server knows of. */
export interface BoundRow {
  readonly medium: string;
  readonly address: string;
  readonly idServer: string;
}

/** A user's addresses, the oldest first. */
export async function addressesOfUser(sql: Sql | Tx, userId: string): Promise<AddressRow[]> {
  return sql<AddressRow[]>`
    SELECT medium, address, confirmed_ts AS "confirmedTs", added_ts AS "addedTs"
    FROM account_addresses WHERE user_id = ${userId} ORDER BY added_ts, medium, address`;
}

/** Whose address that is. */
export async function ownerOfAddress(
  sql: Sql | Tx,
  medium: string,
  address: string,
): Promise<string | undefined> {
  const [row] = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM account_addresses
    WHERE medium = ${medium} AND address = ${address}`;
  return row?.userId;
}

/** Adds an address, or notes a newer confirmation of it. False: it is another user's. */
export async function insertAddress(
  tx: Tx,
  userId: string,
  { medium, address, confirmedTs, addedTs }: AddressRow,
): Promise<boolean> {
  const put = await tx`
    INSERT INTO account_addresses (medium, address, user_id, confirmed_ts, added_ts)
    VALUES (${medium}, ${address}, ${userId}, ${confirmedTs}, ${addedTs})
    ON CONFLICT (medium, address) DO UPDATE SET confirmed_ts = excluded.confirmed_ts
      WHERE account_addresses.user_id = excluded.user_id`;
  return put.count === 1;
}

/** Takes an address from a user. False: they do not have it. */
export async function deleteAddress(
  tx: Tx,
  userId: string,
  medium: string,
  address: string,
): Promise<boolean> {
  const gone = await tx`
    DELETE FROM account_addresses
    WHERE user_id = ${userId} AND medium = ${medium} AND address = ${address}`;
  return gone.count > 0;
}

/** Deletes all addresses of a user. */
export async function deleteAddressesOf(tx: Sql | Tx, userId: string): Promise<void> {
  await tx`DELETE FROM account_addresses WHERE user_id = ${userId}`;
}

/** Notes what an identity server was told; those noted the longest ago but for `max` are forgotten. */
export async function noteBound(
  tx: Tx,
  userId: string,
  { medium, address, idServer }: BoundRow,
  { now, max }: { now: number; max: number },
): Promise<void> {
  await tx`
    INSERT INTO bound_addresses (user_id, medium, address, id_server, bound_ts)
    VALUES (${userId}, ${medium}, ${address}, ${idServer}, ${now})
    ON CONFLICT (user_id, medium, address, id_server) DO UPDATE SET bound_ts = excluded.bound_ts`;
  await tx`
    DELETE FROM bound_addresses b USING (
      SELECT medium, address, id_server FROM bound_addresses WHERE user_id = ${userId}
      ORDER BY bound_ts DESC, medium, address, id_server OFFSET ${max}) AS old
    WHERE b.user_id = ${userId} AND b.medium = old.medium AND b.address = old.address
      AND b.id_server = old.id_server`;
}

/** What identity servers were told of a user, of one address if it is given. */
export async function boundOf(
  sql: Sql | Tx,
  userId: string,
  only?: { readonly medium: string; readonly address: string },
): Promise<BoundRow[]> {
  const filter = only ? sql`AND medium = ${only.medium} AND address = ${only.address}` : sql``;
  return sql<BoundRow[]>`
    SELECT medium, address, id_server AS "idServer" FROM bound_addresses
    WHERE user_id = ${userId} ${filter} ORDER BY medium, address, id_server`;
}

/** The identity server has forgotten it, or will not. */
export async function deleteBound(
  sql: Sql | Tx,
  userId: string,
  { medium, address, idServer }: BoundRow,
): Promise<void> {
  await sql`
    DELETE FROM bound_addresses
    WHERE user_id = ${userId} AND medium = ${medium} AND address = ${address}
      AND id_server = ${idServer}`;
}

/** Closed accounts of which identity servers still know: unbinding was cut short. */
export async function closedAccountsBound(sql: Sql | Tx): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT DISTINCT b.user_id AS "userId" FROM bound_addresses b JOIN accounts a USING (user_id)
    WHERE a.deactivated_ts IS NOT NULL ORDER BY b.user_id`;
  return rows.map((row) => row.userId);
}
