/** How long it stays known who left which room (`stays.ts`). */
import type { Sql, Tx } from "../sql.ts";

const DAY_MS = 24 * 3_600_000;

/** All stays that ended after this log position are known. */
export async function staysKnownSince(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ since: number }[]>`SELECT since FROM stays_known`;
  return row?.since ?? 0;
}

/** Notes where the log is, once a day. `now` is ms since 1970. */
export async function noteDay(sql: Sql | Tx, now: number): Promise<void> {
  await sql`
    INSERT INTO log_days (ts, position)
    SELECT ${now}::bigint, h.position FROM log_head h
    WHERE NOT EXISTS (SELECT 1 FROM log_days WHERE ts > ${now - DAY_MS})
    ON CONFLICT DO NOTHING`;
}

/**
 * From now on stays that ended before a time, ms since 1970, count as not known. They are deleted
 * later: whoever reads them now has learnt before that they are known.
 */
export async function passOver(sql: Sql | Tx, before: number): Promise<void> {
  await sql`
    WITH old AS (SELECT max(ts) AS ts, max(position) AS position FROM log_days WHERE ts <= ${before}),
    gone AS (DELETE FROM log_days d USING old WHERE d.ts < old.ts)
    UPDATE stays_known SET since = old.position FROM old WHERE since < old.position`;
}

/** Deletes up to `limit` stays that count as not known, and times of that age. Returns how many. */
export async function deleteOldStays(sql: Sql | Tx, limit: number): Promise<number> {
  const { count } = await sql`
    DELETE FROM past_stays WHERE ctid = ANY (ARRAY(
      SELECT p.ctid FROM past_stays p, stays_known k WHERE p.left_at <= k.since
      ORDER BY p.left_at LIMIT ${limit}))`;
  if (count === 0)
    await sql`DELETE FROM partial_times p USING stays_known k WHERE p.ended <= k.since`;
  return count;
}
