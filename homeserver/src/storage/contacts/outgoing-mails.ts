/** Mails that are to be sent, and how many strangers have had sent. */
import { deleteExpired } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

export interface OutgoingMailRow {
  readonly mailId: number;
  readonly sealed: Buffer;
  /** ms since 1970. */
  readonly expiresTs: number;
  readonly failures: number;
}

/** How many mails wait; counted up to `max` only. */
export async function countOutgoingMails(sql: Sql | Tx, max: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*)::int AS count FROM (SELECT 1 FROM outgoing_mails LIMIT ${max}) AS waiting`;
  return row!.count;
}

/** Puts a mail in, to be sent at once. */
export async function insertOutgoingMail(
  tx: Sql | Tx,
  sealed: Buffer,
  now: number,
  expiresTs: number,
): Promise<void> {
  await tx`
    INSERT INTO outgoing_mails (sealed, due_ts, expires_ts)
    VALUES (${sealed}, ${now}, ${expiresTs})`;
}

/**
 * Takes mails that are due, the longest due first: nobody else takes them before `until`. Those
 * that have expired are deleted.
 */
export async function takeOutgoingMails(
  sql: Sql,
  { now, until, limit }: { now: number; until: number; limit: number },
): Promise<OutgoingMailRow[]> {
  await sql`
    DELETE FROM outgoing_mails WHERE mail_id IN (
      SELECT mail_id FROM outgoing_mails WHERE due_ts <= ${now} AND expires_ts <= ${now}
      ORDER BY mail_id FOR UPDATE SKIP LOCKED)`;
  return sql<OutgoingMailRow[]>`
    WITH due AS MATERIALIZED (
      SELECT mail_id FROM outgoing_mails WHERE due_ts <= ${now}
      ORDER BY due_ts, mail_id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    UPDATE outgoing_mails m SET due_ts = ${until} FROM due WHERE m.mail_id = due.mail_id
    RETURNING m.mail_id AS "mailId", m.sealed, m.expires_ts AS "expiresTs", m.failures`;
}

/** When the next mail is due, ms since 1970; undefined: none waits. */
export async function nextOutgoingMail(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ due: number | null }[]>`
    SELECT min(due_ts) AS due FROM outgoing_mails`;
  return row?.due ?? undefined;
}

/** The mail is sent, or of no use. */
export async function deleteOutgoingMail(sql: Sql | Tx, mailId: number): Promise<void> {
  await sql`DELETE FROM outgoing_mails WHERE mail_id = ${mailId}`;
}

/** The mail is to be tried again at `dueTs`. */
export async function postponeOutgoingMail(
  sql: Sql | Tx,
  mailId: number,
  dueTs: number,
): Promise<void> {
  await sql`
    UPDATE outgoing_mails SET due_ts = ${dueTs}, failures = failures + 1
    WHERE mail_id = ${mailId}`;
}

/**
 * Counts a mail to an address. Answers how many it was sent since the first of them, and until when
 * they are counted: ms since 1970.
 */
export async function countMailTo(
  tx: Tx,
  addressHash: Buffer,
  { now, expiresTs }: { now: number; expiresTs: number },
): Promise<{ sent: number; expiresTs: number }> {
  await deleteExpired(tx, "mail_quotas", now);
  const [row] = await tx<{ sent: number; expiresTs: number }[]>`
    INSERT INTO mail_quotas (address_hash, sent, expires_ts)
    VALUES (${addressHash}, 1, ${expiresTs})
    ON CONFLICT (address_hash) DO UPDATE SET
      sent = CASE WHEN mail_quotas.expires_ts <= ${now} THEN 1 ELSE mail_quotas.sent + 1 END,
      expires_ts =
        CASE WHEN mail_quotas.expires_ts <= ${now} THEN excluded.expires_ts ELSE mail_quotas.expires_ts END
    RETURNING sent, expires_ts AS "expiresTs"`;
  return row!;
}
