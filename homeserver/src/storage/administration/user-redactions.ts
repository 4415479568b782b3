/** Redactions of what users have sent, as durable jobs. */
import { type Sql, textArray, type Tx } from "../sql.ts";

/** A job. `request` is JSON. */
export interface UserRedactionRow {
  readonly redactionId: string;
  readonly userId: string;
  readonly requestedBy: string;
  readonly request: string;
  /** Log position: what came later stays. */
  readonly upTo: number;
  readonly status: "scheduled" | "active" | "complete" | "failed";
  readonly roomsDone: number;
  /** Why it failed. */
  readonly reason: string | null;
}

const columns = (sql: Sql | Tx) => sql`
  redaction_id AS "redactionId", user_id AS "userId", requested_by AS "requestedBy", request,
  upto AS "upTo", status, rooms_done AS "roomsDone", reason`;

/** Records a job about what there is now. `now` is ms since 1970. */
export async function insertUserRedaction(
  sql: Sql | Tx,
  row: Pick<UserRedactionRow, "redactionId" | "userId" | "requestedBy" | "request">,
  now: number,
): Promise<void> {
  await sql`
    INSERT INTO user_redactions (redaction_id, user_id, requested_by, request, upto, status, created_ts)
    SELECT ${row.redactionId}, ${row.userId}, ${row.requestedBy}, ${row.request}, position,
      'scheduled', ${now}
    FROM log_head`;
}

export async function findUserRedaction(
  sql: Sql | Tx,
  redactionId: string,
): Promise<UserRedactionRow | undefined> {
  const [row] = await sql<UserRedactionRow[]>`
    SELECT ${columns(sql)} FROM user_redactions WHERE redaction_id = ${redactionId}`;
  return row;
}

/** The oldest job that has something left to do. */
export async function nextUserRedaction(sql: Sql | Tx): Promise<UserRedactionRow | undefined> {
  const [row] = await sql<UserRedactionRow[]>`
    SELECT ${columns(sql)} FROM user_redactions WHERE ended_ts IS NULL
    ORDER BY created_ts, redaction_id LIMIT 1`;
  return row;
}

/** Notes that so many rooms are done, unless somebody else is further or has ended it. */
export async function noteRoomsDone(
  sql: Sql | Tx,
  redactionId: string,
  roomsDone: number,
): Promise<void> {
  await sql`
    UPDATE user_redactions SET status = 'active', rooms_done = ${roomsDone}
    WHERE redaction_id = ${redactionId} AND ended_ts IS NULL AND rooms_done <= ${roomsDone}`;
}

/** Ends a job that has not ended. */
export async function endUserRedaction(
  sql: Sql | Tx,
  redactionId: string,
  end: { status: "complete" | "failed"; reason: string | null; now: number },
): Promise<void> {
  await sql`
    UPDATE user_redactions SET status = ${end.status}, reason = ${end.reason}, ended_ts = ${end.now}
    WHERE redaction_id = ${redactionId} AND ended_ts IS NULL`;
}

/** Forgets jobs that ended before a time, ms since 1970. */
export async function forgetUserRedactions(sql: Sql | Tx, before: number): Promise<void> {
  await sql`DELETE FROM user_redactions WHERE ended_ts < ${before}`;
}

export async function noteFailedRedaction(
  sql: Sql | Tx,
  redactionId: string,
  eventId: string,
  error: string,
): Promise<void> {
  await sql`
    INSERT INTO failed_user_redactions (redaction_id, event_id, error)
    VALUES (${redactionId}, ${eventId}, ${error}) ON CONFLICT DO NOTHING`;
}

export async function failedRedactions(
  sql: Sql | Tx,
  redactionId: string,
): Promise<{ eventId: string; error: string }[]> {
  return sql<{ eventId: string; error: string }[]>`
    SELECT event_id AS "eventId", error FROM failed_user_redactions
    WHERE redaction_id = ${redactionId} ORDER BY event_id`;
}

/** Rooms in which a user is, or from which they are banned. */
export async function roomsOfSender(sql: Sql | Tx, userId: string): Promise<string[]> {
  const rows = await sql<{ roomId: string }[]>`
    SELECT r.room_id AS "roomId" FROM memberships m JOIN rooms r USING (room_nid)
    WHERE m.user_id = ${userId} AND m.membership IN ('join', 'ban') ORDER BY r.room_nid`;
  return rows.map(({ roomId }) => roomId);
}

/** What of a user's is to be redacted in a room. Times are ms since 1970, and within the bounds. */
export interface SentQuery {
  readonly roomId: string;
  readonly userId: string;
  readonly upTo: number;
  readonly after: number | undefined;
  readonly before: number | undefined;
  readonly limit: number;
}

/**
 * The newest events that a user has sent to a room: messages of any kind, and joins, but no redactions.
 * Those that are redacted already are left out after the limit was counted, so that what was begun ends
 * at the same.
 */
export async function sentEvents(
  sql: Sql | Tx,
  { roomId, userId, upTo, after, before, limit }: SentQuery,
  without: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ eventId: string }[]>`
    SELECT event_id AS "eventId" FROM (
      SELECT e.event_id, e.redacted_by, e.position, e.ordinal
      FROM events e JOIN rooms r USING (room_nid)
      WHERE r.room_id = ${roomId} AND e.sender = ${userId} AND e.position <= ${upTo} AND e.status = 0
        AND (e.state_key IS NULL AND e.type <> 'm.room.redaction'
          OR e.type = 'm.room.member' AND e.state_key = e.sender
            AND e.json LIKE '%"membership":"join"%')
        ${after === undefined ? sql`` : sql`AND e.origin_server_ts >= ${after}`}
        ${before === undefined ? sql`` : sql`AND e.origin_server_ts <= ${before}`}
      ORDER BY e.position DESC, e.ordinal DESC LIMIT ${limit}) AS newest
    WHERE redacted_by IS NULL AND event_id <> ALL (${textArray(without)}::text[])
    ORDER BY position DESC, ordinal DESC`;
  return rows.map(({ eventId }) => eventId);
}
