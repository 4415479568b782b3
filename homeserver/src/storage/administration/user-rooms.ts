/** What a user is and was to rooms, as administrators count it. */
import type { Sql, Tx } from "../sql.ts";

/** What a user is to the rooms that this server knows of, by room id. */
export async function membershipsOf(
  sql: Sql | Tx,
  userId: string,
): Promise<{ roomId: string; membership: string }[]> {
  return sql<{ roomId: string; membership: string }[]>`
    SELECT r.room_id AS "roomId", m.membership FROM memberships m JOIN rooms r USING (room_nid)
    WHERE m.user_id = ${userId} ORDER BY m.position, r.room_id`;
}

/** How many invites a user has sent since a time, ms since 1970. */
export async function countInvitesBy(
  sql: Sql | Tx,
  userId: string,
  since: number,
): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*)::integer AS n FROM events
    WHERE sender = ${userId} AND origin_server_ts >= ${since} AND type = 'm.room.member'
      AND state_key <> sender AND status = 0 AND json LIKE '%"membership":"invite"%'`;
  return row?.n ?? 0;
}

/**
 * How many rooms a user has joined since a time, ms since 1970, as far as it is known when they did.
 * A position of the log that is no event's is as old as the event before it.
 */
export async function countJoinsOf(sql: Sql | Tx, userId: string, since: number): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(DISTINCT s.room_nid)::integer AS n FROM stays s
    WHERE s.user_id = ${userId} AND ${since} <= coalesce((
      SELECT e.origin_server_ts FROM events e
      WHERE e.position <= s.joined_at AND e.ordinal = 0 ORDER BY e.position DESC LIMIT 1), 0)`;
  return row?.n ?? 0;
}
