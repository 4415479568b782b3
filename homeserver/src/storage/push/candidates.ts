/** Events that may have notified a user. */
import type { Sql, Tx } from "../sql.ts";

/** An event of a room that the user is in, or their open invite to one. */
export interface CandidateRow {
  readonly nid: number;
  readonly roomNid: number;
  /** Log position; of an invite, when it became so. */
  readonly position: number;
  readonly isInvite: boolean;
}

/**
 * The first `limit` events by others with after < position ≤ upTo, the oldest or the newest first,
 * in the rooms that the user is in and since they are. `since`: those that say to be younger, ms
 * since 1970.
 */
export async function candidateEvents(
  sql: Sql | Tx,
  userId: string,
  range: {
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
    readonly newestFirst: boolean;
    readonly since: number;
  },
): Promise<CandidateRow[]> {
  const { after, upTo, limit, since } = range;
  const order = range.newestFirst ? sql`DESC` : sql`ASC`;
  return sql<CandidateRow[]>`
    SELECT * FROM (
      SELECT e.event_nid AS nid, m.room_nid AS "roomNid", e.position, false AS "isInvite"
      FROM memberships m JOIN room_heads h ON h.room_nid = m.room_nid AND h.position > ${after}
      CROSS JOIN LATERAL (
        SELECT event_nid, position FROM events
        WHERE room_nid = m.room_nid AND position > ${after} AND position > m.joined_at
          AND position <= ${upTo} AND ordinal = 0 AND status = 0 AND sender <> ${userId}
          AND redacted_by IS NULL AND origin_server_ts >= ${since}
        ORDER BY position ${order} LIMIT ${limit}
      ) e
      WHERE m.user_id = ${userId} AND m.membership = 'join'
      UNION ALL
      SELECT event_nid, room_nid, position, true FROM memberships
      WHERE user_id = ${userId} AND membership = 'invite' AND position > ${after}
        AND position <= ${upTo}
    ) c ORDER BY position ${order} LIMIT ${limit}`;
}

/**
 * Up to `limit` rooms of a user that hold messages of others behind what the user has read in all
 * threads: only those can count as unread.
 */
export async function roomsWithNews(
  sql: Sql | Tx,
  userId: string,
  limit: number,
): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    SELECT m.room_nid AS "roomNid"
    FROM memberships m JOIN room_heads h ON h.room_nid = m.room_nid
    CROSS JOIN LATERAL (
      SELECT greatest(m.joined_at, coalesce(max(event_position), 0)) AS position FROM receipts r
      WHERE r.room_nid = m.room_nid AND r.user_id = m.user_id AND r.thread_id = ''
    ) read
    WHERE m.user_id = ${userId} AND m.membership = 'join' AND h.position > read.position
      AND EXISTS (
        SELECT FROM events e
        WHERE e.room_nid = m.room_nid AND e.position > read.position AND e.ordinal = 0
          AND e.status = 0 AND e.sender <> ${userId}
      )
    ORDER BY h.position DESC LIMIT ${limit}`;
  return rows.map((row) => row.roomNid);
}

/** Who sent each of up to `limit` open invites of a user. */
export async function openInvitersOf(
  sql: Sql | Tx,
  userId: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ sender: string }[]>`
    SELECT e.sender FROM memberships m JOIN events e USING (event_nid)
    WHERE m.user_id = ${userId} AND m.membership = 'invite' LIMIT ${limit}`;
  return rows.map((row) => row.sender);
}
