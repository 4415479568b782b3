/** Confirmations of addresses. */
import { deleteExpired } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

/** What a confirmation is good for. */
export type Purpose = "add" | "register" | "password";

/** A confirmation that its client has begun, or begins. Times are ms since 1970. */
export interface ConfirmationRow {
  readonly sid: string;
  readonly purpose: Purpose;
  readonly address: string;
  /** Null: not yet. */
  readonly confirmedTs: number | null;
  readonly nextLink: string | null;
}

interface NewConfirmation {
  readonly sid: string;
  readonly purpose: Purpose;
  readonly address: string;
  readonly secretHash: Buffer;
  readonly tokenHash: Buffer | null;
  readonly sendAttempt: number;
  readonly nextLink: string | null;
  readonly expiresTs: number;
}

/**
 * Begins a confirmation, or one of the same client anew if this attempt is later than that one's.
 * Undefined: it is not. Answers its name.
 */
export async function beginConfirmation(
  tx: Tx,
  row: NewConfirmation,
  { now, max }: { now: number; max: number },
): Promise<string | undefined> {
  await deleteExpired(tx, "address_confirmations", now);
  const [begun] = await tx<{ sid: string }[]>`
    INSERT INTO address_confirmations (sid, purpose, address, secret_hash, token_hash, send_attempt,
      next_link, expires_ts)
    VALUES (${row.sid}, ${row.purpose}, ${row.address}, ${row.secretHash}, ${row.tokenHash},
      ${row.sendAttempt}, ${row.nextLink}, ${row.expiresTs})
    ON CONFLICT (purpose, address, secret_hash) DO UPDATE SET
      token_hash = excluded.token_hash, send_attempt = excluded.send_attempt,
      next_link = excluded.next_link, confirmed_ts = NULL, expires_ts = excluded.expires_ts
      WHERE address_confirmations.send_attempt < excluded.send_attempt
    RETURNING sid`;
  if (begun === undefined) return undefined;
  await tx`
    DELETE FROM address_confirmations WHERE sid IN (
      SELECT sid FROM address_confirmations ORDER BY expires_ts DESC OFFSET ${max}
      FOR UPDATE SKIP LOCKED)`;
  return begun.sid;
}

/** The name of the confirmation that a client has begun. */
export async function findBegun(
  sql: Sql | Tx,
  purpose: Purpose,
  address: string,
  secretHash: Buffer,
): Promise<string | undefined> {
  const [row] = await sql<{ sid: string }[]>`
    SELECT sid FROM address_confirmations
    WHERE purpose = ${purpose} AND address = ${address} AND secret_hash = ${secretHash}`;
  return row?.sid;
}

function columns(sql: Sql | Tx) {
  return sql`sid, purpose, address, confirmed_ts AS "confirmedTs", next_link AS "nextLink"`;
}

/** The confirmation that a link leads to, done or not. */
export async function findByToken(
  sql: Sql | Tx,
  sid: string,
  tokenHash: Buffer,
  now: number,
): Promise<ConfirmationRow | undefined> {
  const [row] = await sql<ConfirmationRow[]>`
    SELECT ${columns(sql)} FROM address_confirmations
    WHERE sid = ${sid} AND token_hash = ${tokenHash} AND expires_ts > ${now}`;
  return row;
}

/** The link was followed: the client may use the confirmation until `expiresTs`. */
export async function confirm(
  sql: Sql | Tx,
  sid: string,
  tokenHash: Buffer,
  { now, expiresTs }: { now: number; expiresTs: number },
): Promise<ConfirmationRow | undefined> {
  const [row] = await sql<ConfirmationRow[]>`
    UPDATE address_confirmations SET
      confirmed_ts = coalesce(confirmed_ts, ${now}),
      expires_ts = CASE WHEN confirmed_ts IS NULL THEN ${expiresTs} ELSE expires_ts END
    WHERE sid = ${sid} AND token_hash = ${tokenHash} AND expires_ts > ${now}
    RETURNING ${columns(sql)}`;
  return row;
}

/** A client's confirmation, if the link was followed. */
export async function findConfirmed(
  sql: Sql | Tx,
  of: { readonly purpose: Purpose; readonly sid: string; readonly secretHash: Buffer },
  now: number,
): Promise<ConfirmationRow | undefined> {
  const [row] = await sql<ConfirmationRow[]>`
    SELECT ${columns(sql)} FROM address_confirmations
    WHERE sid = ${of.sid} AND purpose = ${of.purpose} AND secret_hash = ${of.secretHash}
      AND confirmed_ts IS NOT NULL AND expires_ts > ${now}`;
  return row;
}

/** Uses a confirmation up. False: somebody was quicker, or it is too old. */
export async function takeConfirmation(
  tx: Tx,
  sid: string,
  purpose: Purpose,
  now: number,
): Promise<boolean> {
  const gone = await tx`
    DELETE FROM address_confirmations
    WHERE sid = ${sid} AND purpose = ${purpose} AND confirmed_ts IS NOT NULL AND expires_ts > ${now}`;
  return gone.count === 1;
}

/** Ends what was begun for one purpose with addresses of a user. */
export async function deleteConfirmationsOf(
  tx: Tx,
  userId: string,
  purpose: Purpose,
): Promise<void> {
  await tx`
    DELETE FROM address_confirmations WHERE sid IN (
      SELECT c.sid FROM address_confirmations c
      JOIN account_addresses a ON a.medium = 'email' AND a.address = c.address
      WHERE a.user_id = ${userId} AND c.purpose = ${purpose}
      ORDER BY c.sid FOR UPDATE OF c)`;
}
