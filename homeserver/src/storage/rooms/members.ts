import { textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

export interface MembershipTableRow {
  roomNid: number;
  userId: string;
  membership: string;
  eventNid: number;
  position: number;
  forgotten: boolean;
}

function columns(sql: Sql | Tx) {
  return sql`room_nid AS "roomNid", user_id AS "userId", membership, event_nid AS "eventNid",
    position, forgotten`;
}

/** Every room that the user is or was in, or was invited to. */
export async function membershipsOfUser(
  sql: Sql | Tx,
  userId: string,
): Promise<MembershipTableRow[]> {
  return sql<MembershipTableRow[]>`
    SELECT ${columns(sql)} FROM memberships WHERE user_id = ${userId}`;
}

export async function membershipIn(
  sql: Sql | Tx,
  roomNid: number,
  userId: string,
): Promise<MembershipTableRow | undefined> {
  const [row] = await sql<MembershipTableRow[]>`
    SELECT ${columns(sql)} FROM memberships WHERE room_nid = ${roomNid} AND user_id = ${userId}`;
  return row;
}

/** Joined user ids, in the order in which they joined. */
export async function joinedUsers(sql: Sql | Tx, roomNid: number): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND membership = 'join' ORDER BY position, event_nid`;
  return rows.map((row) => row.userId);
}

/** Servers with a joined member. */
export async function joinedServers(sql: Sql | Tx, roomNid: number): Promise<string[]> {
  const rows = await sql<{ server: string }[]>`
    SELECT DISTINCT server FROM memberships
    WHERE room_nid = ${roomNid} AND membership = 'join'`;
  return rows.map((row) => row.server);
}

/** Some of the servers with a joined member, also in rooms of which reading all would take long. */
export async function someServers(sql: Sql | Tx, roomNid: number): Promise<string[]> {
  const rows = await sql<{ server: string }[]>`
    SELECT DISTINCT server FROM (
      SELECT server FROM memberships WHERE room_nid = ${roomNid} AND membership = 'join' LIMIT 2000
    ) m`;
  return rows.map((row) => row.server);
}

/** Those of the others who are joined to a room that the user is joined to. */
export async function usersSharingRoom(
  sql: Sql | Tx,
  userId: string,
  others: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT DISTINCT theirs.user_id AS "userId"
    FROM memberships theirs JOIN memberships mine USING (room_nid)
    WHERE theirs.user_id = ANY (${textArray(others)}::text[]) AND theirs.membership = 'join'
      AND mine.user_id = ${userId} AND mine.membership = 'join'`;
  return rows.map((row) => row.userId);
}

/** Numbers of joined and invited members. */
export async function memberCounts(
  sql: Sql | Tx,
  roomNid: number,
): Promise<{ joined: number; invited: number }> {
  const [row] = await sql<{ joined: number; invited: number }[]>`
    SELECT count(*) FILTER (WHERE membership = 'join') AS joined,
           count(*) FILTER (WHERE membership = 'invite') AS invited
    FROM memberships WHERE room_nid = ${roomNid} AND membership IN ('join', 'invite')`;
  return row ?? { joined: 0, invited: 0 };
}

/** Up to `limit` users of these memberships, those who came first first, without one user. */
export async function firstMembers(
  sql: Sql | Tx,
  roomNid: number,
  memberships: readonly string[],
  without: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND membership = ANY (${textArray(memberships)}::text[])
      AND user_id <> ${without}
    ORDER BY position, event_nid LIMIT ${limit}`;
  return rows.map((row) => row.userId);
}

/** True when any local user of `server` is joined. */
export async function serverIsJoined(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM memberships
    WHERE server = ${server} AND room_nid = ${roomNid} AND membership = 'join' LIMIT 1`;
  return rows.length > 0;
}

/** Servers with a joined member, those with the longest membership first. */
export async function serversByStay(
  sql: Sql | Tx,
  roomNid: number,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ server: string }[]>`
    SELECT server FROM memberships WHERE room_nid = ${roomNid} AND membership = 'join'
    GROUP BY server ORDER BY min(position), min(event_nid) LIMIT ${limit}`;
  return rows.map((row) => row.server);
}

/** Rooms that a user is joined to, by nid. */
export async function joinedRoomNids(sql: Sql | Tx, userId: string): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    SELECT room_nid AS "roomNid" FROM memberships
    WHERE user_id = ${userId} AND membership = 'join'`;
  return rows.map((row) => row.roomNid);
}

/** Stripped state that came with an invite or a knock: JSON array text. */
export async function strippedState(
  sql: Sql | Tx,
  roomNid: number,
  userId: string,
): Promise<string | undefined> {
  const [row] = await sql<{ text: string }[]>`
    SELECT stripped_state AS text FROM stripped_rooms
    WHERE room_nid = ${roomNid} AND user_id = ${userId}`;
  return row?.text;
}

/** The server that sent the invite or took the knock that the user has open; undefined: unknown. */
export async function strippedOrigin(
  sql: Sql | Tx,
  roomNid: number,
  userId: string,
): Promise<string | undefined> {
  const [row] = await sql<{ origin: string | null }[]>`
    SELECT origin FROM stripped_rooms WHERE room_nid = ${roomNid} AND user_id = ${userId}`;
  return row?.origin ?? undefined;
}

/**
 * Counts of open invites and knocks from outside: of the user, from the server, and from it to the
 * user.
 */
export interface OpenInvites {
  readonly ofUser: number;
  /** Characters of the stripped state that came with them. */
  readonly textOfUser: number;
  readonly fromServer: number;
  readonly fromServerToUser: number;
}

/**
 * Without the one to this room, which a new one replaces. `max` limits what is counted of the
 * server.
 */
export async function openInvites(
  sql: Sql | Tx,
  about: { roomNid: number | undefined; userId: string; server: string; max: number },
): Promise<OpenInvites> {
  const { roomNid = -1, userId, server, max } = about;
  const [row] = await sql<OpenInvites[]>`
    SELECT count(*) AS "ofUser", coalesce(sum(length(stripped_state)), 0) AS "textOfUser",
      count(*) FILTER (WHERE origin = ${server}) AS "fromServerToUser",
      (SELECT count(*) FROM (
        SELECT 1 FROM stripped_rooms WHERE origin = ${server} LIMIT ${max}) s) AS "fromServer"
    FROM stripped_rooms WHERE user_id = ${userId} AND room_nid <> ${roomNid}`;
  return row as OpenInvites;
}

/** Whether a user of the server is in a room with the user. */
export async function sharesRoomWithServer(
  sql: Sql | Tx,
  userId: string,
  server: string,
): Promise<boolean> {
  const [row] = await sql<{ shares: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM memberships mine
      JOIN memberships theirs ON theirs.room_nid = mine.room_nid
        AND theirs.server = ${server} AND theirs.membership = 'join'
      WHERE mine.user_id = ${userId} AND mine.membership = 'join') AS shares`;
  return row?.shares ?? false;
}

/** Whether two servers are in a room together. */
export async function serversShareRoom(
  sql: Sql | Tx,
  one: string,
  other: string,
): Promise<boolean> {
  const [row] = await sql<{ shares: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM memberships a
      JOIN memberships b ON b.room_nid = a.room_nid AND b.server = ${other} AND b.membership = 'join'
      WHERE a.server = ${one} AND a.membership = 'join') AS shares`;
  return row?.shares ?? false;
}

/** Joined users of one server. */
export async function localJoinedUsers(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND server = ${server} AND membership = 'join'`;
  return rows.map((row) => row.userId);
}

/** Up to `limit` joined users of one server. */
export async function someJoinedUsers(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND server = ${server} AND membership = 'join' LIMIT ${limit}`;
  return rows.map((row) => row.userId);
}

/** Every user of one server that is or was in the room, or was invited. */
export async function membersOfServer(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
): Promise<MembershipTableRow[]> {
  return sql<MembershipTableRow[]>`
    SELECT ${columns(sql)} FROM memberships
    WHERE room_nid = ${roomNid} AND server = ${server}`;
}
