/** Notices of the server to many users, as durable jobs. Times are ms since 1970. */
import { type Sql, textArray, type Tx } from "../sql.ts";

/** A job. `content` is JSON. */
export interface NoticeSendingRow {
  readonly noticeId: string;
  readonly requestedBy: string;
  readonly type: string;
  readonly content: string;
  readonly toAll: boolean;
  readonly total: number;
  readonly told: number;
  readonly failed: number;
  readonly stopped: boolean;
  readonly createdTs: number;
  readonly endedTs: number | null;
}

export type NewNoticeSending = Pick<
  NoticeSendingRow,
  "noticeId" | "requestedBy" | "type" | "content" | "toAll" | "createdTs"
>;

const columns = (sql: Sql | Tx) => sql`
  notice_id AS "noticeId", requested_by AS "requestedBy", event_type AS type, content,
  to_all AS "toAll", total, told, failed, stopped, created_ts AS "createdTs", ended_ts AS "endedTs"`;

/** Open accounts of people: those of application services and bots are none. */
const people = (sql: Sql | Tx) => sql`
  FROM accounts WHERE deactivated_ts IS NULL AND appservice IS NULL AND user_type IS DISTINCT FROM 'bot'`;

export async function countPeople(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ count: number }[]>`SELECT count(*)::integer AS count ${people(sql)}`;
  return row!.count;
}

/** Records a job, with whom it tells: these users, or everybody there is. False if its id is taken. */
export async function insertNoticeSending(
  tx: Tx,
  row: NewNoticeSending,
  to: readonly string[] | undefined,
): Promise<boolean> {
  const { noticeId } = row;
  const inserted = await tx`
    INSERT INTO notice_sendings
      (notice_id, requested_by, event_type, content, to_all, total, created_ts)
    VALUES (${noticeId}, ${row.requestedBy}, ${row.type}, ${row.content}, ${row.toAll}, 0,
      ${row.createdTs})
    ON CONFLICT DO NOTHING`;
  if (inserted.count === 0) return false;
  const whom =
    to === undefined
      ? tx`SELECT ${noticeId}, user_id ${people(tx)} ORDER BY user_id`
      : tx`SELECT ${noticeId}, user_id FROM unnest(${textArray(to)}::text[]) AS user_id
          ORDER BY user_id`;
  const { count } = await tx`
    INSERT INTO notice_recipients (notice_id, user_id) ${whom} ON CONFLICT DO NOTHING`;
  await tx`UPDATE notice_sendings SET total = ${count} WHERE notice_id = ${noticeId}`;
  return true;
}

export async function findNoticeSending(
  sql: Sql | Tx,
  noticeId: string,
): Promise<NoticeSendingRow | undefined> {
  const [row] = await sql<NoticeSendingRow[]>`
    SELECT ${columns(sql)} FROM notice_sendings WHERE notice_id = ${noticeId}`;
  return row;
}

/** Whether a notice is to these users and to nobody else. */
export async function isNoticeTo(
  sql: Sql | Tx,
  noticeId: string,
  to: readonly string[],
): Promise<boolean> {
  const others = await sql`
    SELECT FROM (SELECT DISTINCT unnest(${textArray(to)}::text[]) AS user_id) AS wanted
    FULL JOIN (SELECT user_id FROM notice_recipients WHERE notice_id = ${noticeId}) AS known
      USING (user_id)
    WHERE wanted.user_id IS NULL OR known.user_id IS NULL LIMIT 1`;
  return others.length === 0;
}

/** The oldest job that tells somebody yet. */
export async function nextNoticeSending(sql: Sql | Tx): Promise<NoticeSendingRow | undefined> {
  const [row] = await sql<NoticeSendingRow[]>`
    SELECT ${columns(sql)} FROM notice_sendings WHERE ended_ts IS NULL
    ORDER BY created_ts, notice_id LIMIT 1`;
  return row;
}

/** The newest so many jobs. */
export async function listNoticeSendings(sql: Sql | Tx, max: number): Promise<NoticeSendingRow[]> {
  return sql<NoticeSendingRow[]>`
    SELECT ${columns(sql)} FROM notice_sendings ORDER BY created_ts DESC, notice_id LIMIT ${max}`;
}

/** Some who wait for a notice; none once it was stopped. */
export async function waitingForNotice(
  sql: Sql | Tx,
  noticeId: string,
  max: number,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM notice_recipients
    WHERE notice_id = ${noticeId} AND told_ts IS NULL AND error IS NULL
      AND EXISTS (SELECT FROM notice_sendings WHERE notice_id = ${noticeId} AND ended_ts IS NULL)
    ORDER BY user_id LIMIT ${max}`;
  return rows.map(({ userId }) => userId);
}

/** Notes what became of one who waited. `error`: why they could not be told. */
export async function noteNotice(
  sql: Sql | Tx,
  noticeId: string,
  userId: string,
  { error, now }: { readonly error: string | undefined; readonly now: number },
): Promise<void> {
  const isTold = error === undefined;
  await sql`
    WITH noted AS (
      UPDATE notice_recipients
      SET told_ts = ${isTold ? now : null}, error = ${error ?? null}
      WHERE notice_id = ${noticeId} AND user_id = ${userId} AND told_ts IS NULL AND error IS NULL
      RETURNING 1)
    UPDATE notice_sendings SET
      told = told + (SELECT count(*) FROM noted) * ${isTold ? 1 : 0},
      failed = failed + (SELECT count(*) FROM noted) * ${isTold ? 0 : 1}
    WHERE notice_id = ${noticeId}`;
}

/** Ends a job in which nobody waits any more. */
export async function endNoticeSending(
  sql: Sql | Tx,
  noticeId: string,
  now: number,
): Promise<void> {
  await sql`
    UPDATE notice_sendings SET ended_ts = ${now}
    WHERE notice_id = ${noticeId} AND ended_ts IS NULL AND NOT EXISTS (
      SELECT FROM notice_recipients
      WHERE notice_id = ${noticeId} AND told_ts IS NULL AND error IS NULL)`;
}

/** Tells nobody more, unless it has ended. */
export async function stopNoticeSending(
  sql: Sql | Tx,
  noticeId: string,
  now: number,
): Promise<void> {
  await sql`
    UPDATE notice_sendings SET stopped = true, ended_ts = ${now}
    WHERE notice_id = ${noticeId} AND ended_ts IS NULL`;
}

/** Goes on with what has ended, if somebody was not told; who could not be told is tried again. */
export async function resumeNoticeSending(tx: Tx, noticeId: string): Promise<void> {
  const resumed = await tx`
    UPDATE notice_sendings SET stopped = false, ended_ts = NULL, failed = 0
    WHERE notice_id = ${noticeId} AND ended_ts IS NOT NULL AND told < total`;
  if (resumed.count === 0) return;
  await tx`
    UPDATE notice_recipients SET error = NULL WHERE notice_id = ${noticeId} AND error IS NOT NULL`;
}

/** Who could not be told, and why; `max` at most. */
export async function failedNotices(
  sql: Sql | Tx,
  noticeId: string,
  max: number,
): Promise<{ userId: string; error: string }[]> {
  return sql<{ userId: string; error: string }[]>`
    SELECT user_id AS "userId", error FROM notice_recipients
    WHERE notice_id = ${noticeId} AND error IS NOT NULL ORDER BY user_id LIMIT ${max}`;
}

/** Forgets jobs that ended before a time. */
export async function forgetNoticeSendings(sql: Sql | Tx, before: number): Promise<void> {
  await sql`DELETE FROM notice_sendings WHERE ended_ts < ${before}`;
}
