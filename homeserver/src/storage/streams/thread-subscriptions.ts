import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

/** How a user follows a thread: by hand, because a client saw a cause, or not any more. */
export type ThreadSubscriptionState = "manual" | "automatic" | "none";

interface ThreadSubscriptionRow {
  userId: string;
  roomNid: number;
  /** Event id of the thread's root. */
  root: string;
  state: ThreadSubscriptionState;
}

/**
 * Of the threads that a user ceased to follow, these many are remembered: the newest. Of an older
 * one it is as if the user had never followed it.
 */
const ENDED_KEPT = 2_000;

/** A user follows a thread, does so in another way, or ceased to. (MSC4306.) */
export const threadSubscriptions = defineStream({
  kind: "thread_subscription",
  columns: [
    ["user_id", "text"],
    ["room_nid", "bigint"],
    ["root", "text"],
    ["state", "text"],
  ],
  values: ({ userId, roomNid, root, state }: ThreadSubscriptionRow) => [
    ...[keyText(userId), roomNid, keyText(root), state],
  ],
  statements: (from) => [
    `INSERT INTO thread_subscriptions (user_id, room_nid, root, state, position)
      SELECT DISTINCT ON (t.user_id, t.room_nid, t.root)
        t.user_id, t.room_nid, t.root, t.state, v.base + t.shift ${from}
      ORDER BY t.user_id, t.room_nid, t.root, t.n DESC, t.i DESC
      ON CONFLICT (user_id, room_nid, root) DO UPDATE SET state = excluded.state,
        position = excluded.position`,
    `DELETE FROM thread_subscriptions d USING (
        SELECT DISTINCT t.user_id ${from} AND t.state = 'none') AS l
      WHERE d.user_id = l.user_id AND d.state = 'none' AND d.position <= (
        SELECT k.position FROM thread_subscriptions k
        WHERE k.user_id = l.user_id AND k.state = 'none'
        ORDER BY k.position DESC OFFSET ${ENDED_KEPT} LIMIT 1)
      AND NOT EXISTS (SELECT 1 ${from} AND t.user_id = d.user_id
        AND t.room_nid = d.room_nid AND t.root = d.root)`,
  ],
  toRecord: (row): ThreadSubscriptionRow => row,
  read: (sql, { after, upTo, limit }) => sql<(ThreadSubscriptionRow & { position: number })[]>`
    SELECT position, user_id AS "userId", room_nid AS "roomNid", root, state
    FROM thread_subscriptions
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});
