/** Members of rooms, for administrators and for those who act for them. */
import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** Joined members of a room, by user id. */
export async function joinedUserIds(sql: Sql, roomNid: number): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND membership = 'join' ORDER BY user_id`;
  return rows.map(({ userId }) => userId);
}

export interface MemberQuery {
  readonly from: number;
  readonly limit: number;
  readonly membership: string;
  /** In the user id. */
  readonly searchTerm?: string | undefined;
  readonly isLocal?: boolean | undefined;
}

/** Members of a room, the most powerful first. `levels` are those of users who have one of their own. */
export async function listMembers(
  sql: Sql,
  roomNid: number,
  query: MemberQuery,
  levels: ReadonlyMap<string, number>,
): Promise<{ members: { userId: string; membership: string; json: string }[]; total: number }> {
  const { searchTerm: term, isLocal } = query;
  const where = sql`m.room_nid = ${roomNid} AND m.membership = ${query.membership}
    ${term === undefined ? sql`` : sql`AND strpos(m.user_id, ${term}) > 0`}
    ${isLocal === undefined ? sql`` : sql`AND (m.server = (SELECT server FROM this_server)) = ${isLocal}`}`;
  const [named, values] = [[...levels.keys()], [...levels.values()]];
  // The order alone matters: what is beyond every number comes first.
  const sorted = values.map((level) => (Number.isFinite(level) ? level : Number.MAX_SAFE_INTEGER));
  const [members, [count]] = await Promise.all([
    sql<{ userId: string; membership: string; json: string }[]>`
      SELECT p.user_id AS "userId", p.membership, e.json FROM (
        SELECT m.user_id, m.membership, m.event_nid, l.level
        FROM memberships m LEFT JOIN unnest(${textArray(named)}::text[],
          ${numberArray(sorted)}::bigint[]) AS l (user_id, level) USING (user_id)
        WHERE ${where}
        ORDER BY l.level DESC NULLS LAST, m.user_id LIMIT ${query.limit} OFFSET ${query.from}) AS p
      JOIN events e USING (event_nid) ORDER BY p.level DESC NULLS LAST, p.user_id`,
    sql<{ total: number }[]>`SELECT count(*) AS total FROM memberships m WHERE ${where}`,
  ]);
  return { members, total: count?.total ?? 0 };
}

/** Those of the users who are joined. */
export async function joinedAmong(
  sql: Sql | Tx,
  roomNid: number,
  userIds: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND user_id = ANY (${textArray(userIds)}::text[])
      AND membership = 'join'`;
  return rows.map((row) => row.userId);
}
