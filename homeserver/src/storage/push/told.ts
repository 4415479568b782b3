/** How far pushers have been told what notifies their users. */
import { numberArray, type Sql, textArray, type Tx } from "../sql.ts";

/** A pusher as its notifications need it. */
export interface PusherRow {
  readonly pusherId: number;
  readonly userId: string;
  readonly appId: string;
  readonly pushkey: string;
  readonly kind: string;
  /** The tag of the language that its reader prefers. */
  readonly lang: string;
  /** JSON object text. */
  readonly data: string;
  /** ms since 1970. */
  readonly setTs: number;
  /** Log position. */
  readonly toldTo: number;
  /** How much was unread as last told; -1: an event was told without; null: never told anything. */
  readonly badge: number | null;
  readonly behind: boolean;
  readonly failures: number;
  /** ms since 1970. */
  readonly retryTs: number;
  /** When the last mail was written: ms since 1970; 0: none was. */
  readonly mailedTs: number;
  /** How long after it the next one may be, ms. */
  readonly mailPause: number;
  /** It is told nothing but this until its client has sent it back; null: it has. */
  readonly ackToken: string | null;
  /** ms since 1970. */
  readonly ackExpires: number;
}

function columns(sql: Sql | Tx) {
  return sql`pusher_id AS "pusherId", user_id AS "userId", app_id AS "appId", pushkey, kind, lang, data,
    set_ts AS "setTs", told_to AS "toldTo", badge, behind, failures, retry_ts AS "retryTs",
    mailed_ts AS "mailedTs", mail_pause AS "mailPause",
    ack_token AS "ackToken", ack_expires AS "ackExpires"`;
}

/** All pushers of these users, but for those whose accounts are locked: they are told nothing. */
export async function pushersOfUsers(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<PusherRow[]> {
  return sql<PusherRow[]>`
    SELECT ${columns(sql)} FROM pushers
    WHERE user_id = ANY (${textArray(userIds)}::text[])
      AND user_id NOT IN (
        SELECT a.user_id FROM accounts a
        WHERE a.user_id = ANY (${textArray(userIds)}::text[]) AND a.locked_ts IS NOT NULL)
    ORDER BY pusher_id`;
}

/** A pusher by its number. */
export async function findPusher(sql: Sql | Tx, pusherId: number): Promise<PusherRow | undefined> {
  const [row] = await sql<PusherRow[]>`
    SELECT ${columns(sql)} FROM pushers WHERE pusher_id = ${pusherId}`;
  return row;
}

/** Pushers that are behind, and when each is to be tried again: ms since 1970. */
export async function pushersBehind(
  sql: Sql | Tx,
): Promise<{ readonly pusherId: number; readonly retryTs: number }[]> {
  return sql<{ pusherId: number; retryTs: number }[]>`
    SELECT pusher_id AS "pusherId", retry_ts AS "retryTs" FROM pushers WHERE behind`;
}

/** What is to be noted of a pusher. */
export interface ToldNote {
  readonly pusherId: number;
  readonly toldTo: number;
  readonly badge: number | null;
  readonly behind: boolean;
  readonly failures: number;
  readonly retryTs: number;
}

/** Notes how far pushers are: each once. */
export async function noteTold(sql: Sql | Tx, notes: readonly ToldNote[]): Promise<void> {
  const all = notes.toSorted((a, b) => a.pusherId - b.pusherId);
  const numbers = (of: (note: ToldNote) => number | null) => numberArray(all.map(of));
  await sql`
    WITH noted AS MATERIALIZED (
      SELECT p.pusher_id FROM pushers p
      WHERE p.pusher_id = ANY (${numbers((note) => note.pusherId)}::bigint[])
      ORDER BY p.pusher_id FOR UPDATE
    )
    UPDATE pushers SET told_to = greatest(pushers.told_to, n.told_to), badge = n.badge,
      behind = n.behind = 1, failures = n.failures, retry_ts = n.retry_ts
    FROM unnest(
      ${numbers((note) => note.pusherId)}::bigint[], ${numbers((note) => note.toldTo)}::bigint[],
      ${numbers((note) => note.badge)}::int[], ${numbers((note) => Number(note.behind))}::int[],
      ${numbers((note) => note.failures)}::int[], ${numbers((note) => note.retryTs)}::bigint[]
    ) AS n (pusher_id, told_to, badge, behind, failures, retry_ts)
    JOIN noted USING (pusher_id) WHERE pushers.pusher_id = n.pusher_id`;
}

/** Deletes a pusher whose pushkey its gateway has rejected, if it was not set again since. */
export async function deleteRejected(tx: Tx, pusherId: number, setTs: number): Promise<boolean> {
  const gone = await tx`DELETE FROM pushers WHERE pusher_id = ${pusherId} AND set_ts = ${setTs}`;
  return gone.count > 0;
}

/** A user who is in a room, since a log position. */
export interface Stay {
  readonly roomNid: number;
  readonly userId: string;
  readonly joinedAt: number;
}

/** The users of a server in a room who have pushers. */
export async function staysOfPushed(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
): Promise<Stay[]> {
  return sql<Stay[]>`
    SELECT m.room_nid AS "roomNid", m.user_id AS "userId", m.joined_at AS "joinedAt"
    FROM memberships m
    WHERE m.room_nid = ${roomNid} AND m.server = ${server} AND m.membership = 'join'
      AND EXISTS (SELECT FROM pushers p WHERE p.user_id = m.user_id)`;
}

/** The rooms that a user is in. */
export async function staysOf(sql: Sql | Tx, userId: string): Promise<Stay[]> {
  return sql<Stay[]>`
    SELECT room_nid AS "roomNid", user_id AS "userId", joined_at AS "joinedAt" FROM memberships
    WHERE user_id = ${userId} AND membership = 'join'`;
}
