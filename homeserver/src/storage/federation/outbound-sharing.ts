/** Which servers have come to share a room with which local users. */
import type { ServerName } from "../../protocol/identifiers.ts";
import { numberArray, type Sql, type Tx, textArray } from "../sql.ts";
import type { DestinationRange } from "./outbound-devices.ts";

/** A local user and another server that share a room since a log position. */
export interface SharingRow {
  readonly position: number;
  readonly userId: string;
  readonly server: ServerName;
}

/**
 * A server that comes to a room with many local users is told of those whose devices changed last:
 * so many changes are looked at,
 */
const RECENT_CHANGES = 1_000;
/** and so many users told. With their cross-signing keys they fit into one transaction. */
export const MAX_SHARING = 50;

/** Those of the users who have a device, or had one, that other servers may be told of. */
export async function usersWithDevices(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ userId: string }[]>`
    SELECT u.user_id AS "userId" FROM unnest(${textArray(userIds)}::text[]) AS u (user_id)
    WHERE EXISTS (SELECT 1 FROM device_list_changes d WHERE d.user_id = u.user_id)`;
  return new Set(rows.map((row) => row.userId));
}

/**
 * Those of the servers that were in a room when a local user joined it at a log position, and
 * shared no other room with the user. Of `servers` those that came later are passed over; those
 * without a known member were there.
 */
export async function serversNewTo(
  sql: Sql | Tx,
  join: { roomNid: number; userId: string; position: number; servers: readonly ServerName[] },
): Promise<ServerName[]> {
  const { roomNid, userId, position, servers } = join;
  const rows = await sql<{ server: ServerName }[]>`
    SELECT s.server FROM unnest(${textArray(servers)}::text[]) AS s (server)
    CROSS JOIN (
      SELECT array_agg(room_nid) AS nids FROM memberships
      WHERE user_id = ${userId} AND membership = 'join' AND room_nid <> ${roomNid}
        AND position < ${position}) AS rooms
    WHERE coalesce((
        SELECT min(m.position) FROM memberships m
        WHERE m.server = s.server AND m.room_nid = ${roomNid} AND m.membership = 'join'),
      0) <= ${position}
      AND (SELECT true FROM memberships m
           WHERE m.server = s.server AND m.membership = 'join' AND m.room_nid = ANY (rooms.nids)
             AND m.position < ${position}
           LIMIT 1) IS NULL`;
  return rows.map((row) => row.server);
}

/**
 * Where the first user of another server joined a room: the local users who were there, those whose
 * devices changed last, with whom that server shared no other room.
 */
export async function usersNewTo(
  sql: Sql | Tx,
  joins: readonly { roomNid: number; server: ServerName; position: number }[],
): Promise<SharingRow[]> {
  if (joins.length === 0) return [];
  return sql<SharingRow[]>`
    SELECT j.position, found.user_id AS "userId", j.server
    FROM unnest(
      ${numberArray(joins.map((one) => one.roomNid))}::bigint[],
      ${textArray(joins.map((one) => one.server))}::text[],
      ${numberArray(joins.map((one) => one.position))}::bigint[]) AS j (room_nid, server, position)
    CROSS JOIN LATERAL (
      SELECT array_agg(m.room_nid) AS others FROM memberships m
      WHERE m.server = j.server AND m.membership = 'join' AND m.room_nid <> j.room_nid
        AND m.position < j.position) AS theirs
    CROSS JOIN LATERAL (
      SELECT recent.user_id FROM (${recentlyChanged(sql)}) AS recent
      JOIN memberships here ON here.room_nid = j.room_nid AND here.user_id = recent.user_id
        AND here.membership = 'join' AND here.position < j.position
      WHERE NOT EXISTS (
        SELECT 1 FROM memberships mine
        WHERE mine.user_id = recent.user_id AND mine.membership = 'join'
          AND mine.position < j.position AND mine.room_nid = ANY (theirs.others))
      ORDER BY recent.changed DESC LIMIT ${MAX_SHARING}) AS found
    WHERE NOT EXISTS (
      SELECT 1 FROM memberships m WHERE m.server = j.server AND m.room_nid = j.room_nid
        AND m.membership = 'join' AND m.position < j.position)
    ORDER BY j.position, found.user_id`;
}

/**
 * The local users with whom a server has come to share a room in a range of the log, by the
 * memberships of now. A member event that changed a name only counts as a join.
 */
export async function newUsersForDestination(
  sql: Sql | Tx,
  { server, ours, after, upTo, limit }: DestinationRange,
): Promise<SharingRow[]> {
  return sql<SharingRow[]>`
    WITH came AS (
      SELECT m.room_nid, m.user_id, m.server FROM memberships m
      WHERE m.position > ${after} AND m.position <= ${upTo} AND m.membership = 'join'
        AND m.server IN (${server}, ${ours})),
    users AS (
      SELECT c.user_id FROM came c WHERE c.server = ${ours} AND EXISTS (
        SELECT 1 FROM memberships t
        WHERE t.server = ${server} AND t.room_nid = c.room_nid AND t.membership = 'join')
      UNION
      (SELECT recent.user_id FROM (${recentlyChanged(sql)}) AS recent
       WHERE EXISTS (
         SELECT 1 FROM memberships here
         WHERE here.user_id = recent.user_id AND here.membership = 'join'
           AND here.room_nid IN (SELECT c.room_nid FROM came c WHERE c.server = ${server}))
       ORDER BY recent.changed DESC LIMIT ${MAX_SHARING}))
    SELECT since.position, users.user_id AS "userId", ${server} AS server
    FROM users CROSS JOIN LATERAL (
      SELECT min(greatest(mine.position, theirs.position)) AS position
      FROM memberships mine CROSS JOIN LATERAL (
        SELECT min(t.position) AS position FROM memberships t
        WHERE t.server = ${server} AND t.room_nid = mine.room_nid AND t.membership = 'join'
      ) AS theirs
      WHERE mine.user_id = users.user_id AND mine.membership = 'join'
        AND theirs.position IS NOT NULL) AS since
    WHERE since.position > ${after} AND since.position <= ${upTo}
    ORDER BY since.position, users.user_id LIMIT ${limit}`;
}

/** Local users whose devices changed last, with the log position of that change. */
function recentlyChanged(sql: Sql | Tx) {
  return sql`
    SELECT d.user_id, max(d.position) AS changed FROM (
      SELECT user_id, position FROM device_list_changes WHERE device_id <> ''
      ORDER BY position DESC LIMIT ${RECENT_CHANGES}) AS d
    GROUP BY d.user_id`;
}
