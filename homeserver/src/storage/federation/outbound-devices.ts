/** Which changes of local users' devices which servers are to be told. */
import type { ServerName } from "../../protocol/identifiers.ts";
import { numberArray, type Sql, type Tx, textArray } from "../sql.ts";

/** A change of a local user's device list. */
export interface DeviceChangeRow {
  readonly position: number;
  readonly userId: string;
  /** "": the user's cross-signing keys. */
  readonly deviceId: string;
  readonly isRemoved: boolean;
}

/** A range of the log for one server: after < position ≤ upTo, and at most `limit` rows. */
export interface DestinationRange {
  readonly server: ServerName;
  readonly ours: ServerName;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** Members that are looked through for one user's servers; with more, the servers are. */
const MAX_MEMBERS = 20_000;

/** Servers with which some local users share a room, ours left out; rooms known in part included. */
export async function serversOfUsers(
  sql: Sql | Tx,
  userIds: readonly string[],
  ours: ServerName,
): Promise<Map<string, ServerName[]>> {
  const rows = await sql<{ userId: string; servers: ServerName[]; members: number }[]>`
    SELECT u.user_id AS "userId", found.servers, found.members
    FROM unnest(${textArray(userIds)}::text[]) AS u (user_id)
    CROSS JOIN LATERAL (
      SELECT array_agg(DISTINCT server) AS servers, count(*)::int AS members FROM (
        SELECT m.server FROM memberships mine JOIN memberships m ON m.room_nid = mine.room_nid
          AND m.membership = 'join'
        WHERE mine.user_id = u.user_id AND mine.membership = 'join'
        UNION ALL
        SELECT unnest(p.servers) FROM memberships mine JOIN partial_rooms p
          ON p.room_nid = mine.room_nid AND NOT p.complete
        WHERE mine.user_id = u.user_id AND mine.membership = 'join'
        LIMIT ${MAX_MEMBERS + 1}) AS m) AS found
    WHERE found.members > 0`;
  const crowded = rows.filter(({ members }) => members > MAX_MEMBERS);
  const more = await serversOfUsersInCrowds(
    sql,
    crowded.map(({ userId }) => userId),
  );
  const all = new Map([...rows, ...more].map(({ userId, servers }) => [userId, servers]));
  for (const [userId, servers] of all) {
    const others = servers.filter((server) => server !== ours);
    if (others.length > 0) all.set(userId, others);
    else all.delete(userId);
  }
  return all;
}

/** The same at a cost that goes with the number of known servers, not of the rooms' members. */
async function serversOfUsersInCrowds(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<{ userId: string; servers: ServerName[] }[]> {
  if (userIds.length === 0) return [];
  return sql<{ userId: string; servers: ServerName[] }[]>`
    WITH RECURSIVE known (server) AS (
      (SELECT server FROM memberships WHERE membership = 'join' ORDER BY server LIMIT 1)
      UNION ALL
      SELECT (SELECT m.server FROM memberships m
              WHERE m.membership = 'join' AND m.server > k.server ORDER BY m.server LIMIT 1)
      FROM known k WHERE k.server IS NOT NULL)
    SELECT u.user_id AS "userId", array_agg(s.server) AS servers
    FROM unnest(${textArray(userIds)}::text[]) AS u (user_id)
    CROSS JOIN LATERAL (
      SELECT array_agg(m.room_nid) AS rooms FROM memberships m
      WHERE m.user_id = u.user_id AND m.membership = 'join') AS theirs
    CROSS JOIN LATERAL (
      SELECT k.server FROM known k
      WHERE (SELECT true FROM memberships m
             WHERE m.server = k.server AND m.membership = 'join' AND m.room_nid = ANY (theirs.rooms)
             LIMIT 1)
      UNION
      SELECT unnest(p.servers) FROM partial_rooms p
      WHERE NOT p.complete AND p.room_nid = ANY (theirs.rooms)) AS s (server)
    GROUP BY u.user_id`;
}

/** The first changes of local users in after < position ≤ upTo, oldest first. */
export async function deviceChangesBetween(
  sql: Sql | Tx,
  range: Omit<DestinationRange, "server">,
): Promise<DeviceChangeRow[]> {
  const { ours, after, upTo, limit } = range;
  return sql<DeviceChangeRow[]>`
    SELECT position, user_id AS "userId", device_id AS "deviceId", removed AS "isRemoved"
    FROM device_list_changes
    WHERE position > ${after} AND position <= ${upTo}
      AND substr(user_id, strpos(user_id, ':') + 1) = ${ours}
    ORDER BY position LIMIT ${limit}`;
}

/** Those of the users who share a room with a server now. */
export async function usersSharingWith(
  sql: Sql | Tx,
  server: ServerName,
  userIds: readonly string[],
): Promise<Set<string>> {
  if (userIds.length === 0) return new Set();
  const rows = await sql<{ userId: string }[]>`
    WITH ${roomsOf(sql, server)}
    SELECT u.user_id AS "userId" FROM unnest(${textArray(userIds)}::text[]) AS u (user_id)
    WHERE EXISTS (
      SELECT 1 FROM memberships m WHERE m.user_id = u.user_id AND m.membership = 'join'
        AND m.room_nid IN (SELECT room_nid FROM rooms))`;
  return new Set(rows.map((row) => row.userId));
}

/** The rooms that a server is in, those known in part included, as the table expression `rooms`. */
function roomsOf(sql: Sql | Tx, server: ServerName) {
  return sql`rooms AS MATERIALIZED (
    SELECT room_nid FROM memberships WHERE server = ${server} AND membership = 'join'
    UNION
    SELECT room_nid FROM partial_rooms WHERE NOT complete AND ${server} = ANY (servers))`;
}

/**
 * For a server that has missed much: the newest change of each device of the users who share a room
 * with it now. The cost depends on the number of those users, not on what was missed.
 */
export async function newestDeviceChangesForDestination(
  sql: Sql | Tx,
  { server, ours, after, upTo, limit }: DestinationRange,
): Promise<DeviceChangeRow[]> {
  return sql<DeviceChangeRow[]>`
    WITH ${roomsOf(sql, server)}, users AS (
      SELECT DISTINCT m.user_id FROM rooms JOIN memberships m USING (room_nid)
      WHERE m.server = ${ours} AND m.membership = 'join')
    SELECT newest.* FROM (
      SELECT DISTINCT ON (d.user_id, d.device_id)
        d.position, d.user_id AS "userId", d.device_id AS "deviceId", d.removed AS "isRemoved"
      FROM users JOIN device_list_changes d ON d.user_id = users.user_id
        AND d.position > ${after} AND d.position <= ${upTo}
      ORDER BY d.user_id, d.device_id, d.position DESC) AS newest
    ORDER BY newest.position LIMIT ${limit}`;
}

/**
 * The newest change of one of the user's devices before each position: what `prev_id` names.
 * `undefined` where none is known.
 */
export async function changesBefore(
  sql: Sql | Tx,
  wanted: readonly { userId: string; before: number }[],
): Promise<(number | undefined)[]> {
  if (wanted.length === 0) return [];
  const rows = await sql<{ position: number | null }[]>`
    SELECT (SELECT d.position FROM device_list_changes d
            WHERE d.user_id = w.user_id AND d.position < w.before AND d.device_id <> ''
            ORDER BY d.position DESC LIMIT 1) AS position
    FROM unnest(
      ${textArray(wanted.map((one) => one.userId))}::text[],
      ${numberArray(wanted.map((one) => one.before))}::bigint[])
      WITH ORDINALITY AS w (user_id, before, n)
    ORDER BY w.n`;
  return rows.map((row) => row.position ?? undefined);
}

/**
 * The newest change of a device of each user up to a position, and, when there was one, the change
 * of the cross-signing keys.
 */
export async function newestChangesOf(
  sql: Sql | Tx,
  wanted: readonly { userId: string; upTo: number }[],
): Promise<DeviceChangeRow[]> {
  if (wanted.length === 0) return [];
  return sql<DeviceChangeRow[]>`
    SELECT DISTINCT d.position, w.user_id AS "userId", d.device_id AS "deviceId",
      d.removed AS "isRemoved"
    FROM unnest(
      ${textArray(wanted.map((one) => one.userId))}::text[],
      ${numberArray(wanted.map((one) => one.upTo))}::bigint[]) AS w (user_id, up_to)
    CROSS JOIN LATERAL (
      (SELECT * FROM device_list_changes c
       WHERE c.user_id = w.user_id AND c.position <= w.up_to AND c.device_id <> ''
       ORDER BY c.position DESC LIMIT 1)
      UNION ALL
      (SELECT * FROM device_list_changes c
       WHERE c.user_id = w.user_id AND c.position <= w.up_to AND c.device_id = ''
       ORDER BY c.position DESC LIMIT 1)) AS d
    ORDER BY d.position`;
}

/** Those of the devices of local users that are there, with their names. */
export async function devicesThere(
  sql: Sql | Tx,
  wanted: readonly { userId: string; deviceId: string }[],
): Promise<{ userId: string; deviceId: string; displayName: string | null }[]> {
  if (wanted.length === 0) return [];
  return sql<{ userId: string; deviceId: string; displayName: string | null }[]>`
    SELECT d.user_id AS "userId", d.device_id AS "deviceId", d.display_name AS "displayName"
    FROM unnest(
      ${textArray(wanted.map((one) => one.userId))}::text[],
      ${textArray(wanted.map((one) => one.deviceId))}::text[]) AS w (user_id, device_id)
    JOIN devices d ON d.user_id = w.user_id AND d.device_id = w.device_id`;
}
