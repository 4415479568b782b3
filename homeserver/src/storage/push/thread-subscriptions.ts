import { numberArray, type Sql, textArray } from "../sql.ts";
import type { ThreadSubscriptionState } from "../streams/thread-subscriptions.ts";

/** A thread that a user follows or followed. */
export interface ThreadSubscription {
  readonly state: ThreadSubscriptionState;
  /** Log position of the last change. */
  readonly position: number;
}

/** What is known of a user and a thread; undefined: the user never followed it. */
export async function findThreadSubscription(
  sql: Sql,
  of: { readonly userId: string; readonly roomNid: number; readonly root: string },
): Promise<ThreadSubscription | undefined> {
  const [row] = await sql<ThreadSubscription[]>`
    SELECT state, position FROM thread_subscriptions
    WHERE user_id = ${of.userId} AND room_nid = ${of.roomNid} AND root = ${of.root}`;
  return row;
}

/** Whether the user ever followed a thread. */
export async function hasThreadSubscriptions(sql: Sql, userId: string): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM thread_subscriptions WHERE user_id = ${userId} LIMIT 1`;
  return rows.length > 0;
}

/** How many threads the user follows. */
export async function countThreadSubscriptions(sql: Sql, userId: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*)::int AS count FROM thread_subscriptions
    WHERE user_id = ${userId} AND state <> 'none'`;
  return row?.count ?? 0;
}

/** A change of a subscription, as clients are told of it. */
export interface ThreadSubscriptionChange extends ThreadSubscription {
  readonly roomId: string;
  readonly root: string;
}

/** A user's changes with after < position ≤ upTo, the newest first. */
export async function threadSubscriptionChanges(
  sql: Sql,
  range: {
    readonly userId: string;
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
  },
): Promise<ThreadSubscriptionChange[]> {
  return sql<ThreadSubscriptionChange[]>`
    SELECT r.room_id AS "roomId", s.root, s.state, s.position
    FROM thread_subscriptions s JOIN rooms r USING (room_nid)
    WHERE s.user_id = ${range.userId} AND s.position > ${range.after}
      AND s.position <= ${range.upTo}
    ORDER BY s.position DESC LIMIT ${range.limit}`;
}

/** Those of the users who follow a thread. */
export async function followersOfThread(
  sql: Sql,
  thread: { readonly roomNid: number; readonly root: string },
  userIds: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM thread_subscriptions
    WHERE room_nid = ${thread.roomNid} AND root = ${thread.root} AND state <> 'none'
      AND user_id = ANY (${textArray(userIds)}::text[])`;
  return new Set(rows.map((row) => row.userId));
}

/** Of each of the threads whether the user follows it, in their order. */
export async function followsThreads(
  sql: Sql,
  threads: readonly {
    readonly userId: string;
    readonly roomNid: number;
    readonly root: string;
  }[],
): Promise<boolean[]> {
  const rows = await sql<{ at: number }[]>`
    SELECT asked.at FROM unnest(
      ${textArray(threads.map(({ userId }) => userId))}::text[],
      ${numberArray(threads.map(({ roomNid }) => roomNid))}::bigint[],
      ${textArray(threads.map(({ root }) => root))}::text[])
      WITH ORDINALITY AS asked (user_id, room_nid, root, at)
    JOIN thread_subscriptions s ON s.user_id = asked.user_id AND s.room_nid = asked.room_nid
      AND s.root = asked.root AND s.state <> 'none'`;
  const followed = new Set(rows.map(({ at }) => at));
  return threads.map((_, index) => followed.has(index + 1));
}
