/** Which mails pushers have had written. */
import type { Sql, Tx } from "../sql.ts";

/**
 * Notes a mail that tells what happened up to `toldTo`. False: the pusher is gone, or was told that
 * by somebody else. It stays behind until it is noted that nothing has happened meanwhile.
 */
export async function noteMailed(
  tx: Tx,
  row: {
    readonly pusherId: number;
    readonly toldTo: number;
    /** ms since 1970. */
    readonly mailedTs: number;
    /** ms. */
    readonly mailPause: number;
  },
): Promise<boolean> {
  const { pusherId, toldTo, mailedTs, mailPause } = row;
  const noted = await tx`
    UPDATE pushers SET told_to = ${toldTo}, mailed_ts = ${mailedTs}, mail_pause = ${mailPause},
      behind = true, retry_ts = ${mailedTs + mailPause}, failures = 0
    WHERE pusher_id = ${pusherId} AND told_to < ${toldTo}`;
  return noted.count === 1;
}

/** The user has read: the next mail need not wait longer than until `retryTs`, ms since 1970. */
export async function noteRead(sql: Sql | Tx, pusherId: number, retryTs: number): Promise<void> {
  await sql`
    UPDATE pushers SET mail_pause = 0, retry_ts = least(retry_ts, ${retryTs}::bigint)
    WHERE pusher_id = ${pusherId}`;
}
