import { numberArray, textArray } from "../sql.ts";
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

/** Those of the users who are in the room, or have been and left or were put out. */
export async function usersWhoWereIn(
  sql: Sql,
  roomId: string,
  users: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships JOIN rooms USING (room_nid)
    WHERE room_id = ${roomId} AND user_id = ANY (${textArray(users)}::text[])
      AND membership IN ('join', 'leave', 'ban')`;
  return new Set(rows.map(({ userId }) => userId));
}

/** The newest room that one user is in and the other is or was in or invited to. */
export async function roomBetween(
  sql: Sql,
  joined: string,
  other: string,
): Promise<{ roomId: string; membership: string } | undefined> {
  const [row] = await sql<{ roomId: string; membership: string }[]>`
    SELECT r.room_id AS "roomId", theirs.membership
    FROM memberships theirs
    JOIN memberships own ON own.room_nid = theirs.room_nid AND own.user_id = ${joined}
      AND own.membership = 'join'
    JOIN rooms r ON r.room_nid = theirs.room_nid
    WHERE theirs.user_id = ${other}
    ORDER BY theirs.room_nid DESC LIMIT 1`;
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

/** The rooms that two users are joined to, by nid. */
export async function sharedRooms(sql: Sql | Tx, one: string, other: string): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    SELECT a.room_nid AS "roomNid" FROM memberships a JOIN memberships b USING (room_nid)
    WHERE a.user_id = ${one} AND a.membership = 'join'
      AND b.user_id = ${other} AND b.membership = 'join' ORDER BY a.room_nid`;
  return rows.map((row) => row.roomNid);
}

/** How many are in a room, and its first members, those who came first first. */
export interface MembersOfRoom {
  readonly joined: number;
  readonly invited: number;
  /** Joined and invited. */
  readonly present: readonly string[];
  /** Those who were, where at most one is present. */
  readonly gone: readonly string[];
}

/** The members of each of the rooms, in the given order; of each kind `limit` of the first. */
export async function membersOfRooms(
  sql: Sql | Tx,
  roomNids: readonly number[],
  limit: number,
): Promise<MembersOfRoom[]> {
  const rows = await sql<{ joined: number; invited: number; present: string; gone: string }[]>`
    SELECT joined, invited,
      array_to_json(array(
        SELECT user_id FROM memberships
        WHERE room_nid = room.nid AND membership IN ('join', 'invite')
        ORDER BY position, event_nid LIMIT ${limit}))::text AS present,
      CASE WHEN joined + invited > 1 THEN '[]' ELSE array_to_json(array(
        SELECT user_id FROM memberships
        WHERE room_nid = room.nid AND membership IN ('leave', 'ban')
        ORDER BY position, event_nid LIMIT ${limit}))::text END AS gone
    FROM unnest(${numberArray(roomNids)}::bigint[]) WITH ORDINALITY AS room (nid, at)
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE membership = 'join') AS joined,
             count(*) FILTER (WHERE membership = 'invite') AS invited
      FROM memberships WHERE room_nid = room.nid AND membership IN ('join', 'invite')
    ) AS counts
    ORDER BY room.at`;
  return rows.map(({ joined, invited, present, gone }) => ({
    ...{ joined, invited },
    present: JSON.parse(present) as string[],
    gone: JSON.parse(gone) as string[],
  }));
}

/** Numbers of joined members of many rooms; rooms without any are absent. */
export async function joinedCounts(
  sql: Sql | Tx,
  roomNids: readonly number[],
): Promise<{ roomNid: number; joined: number }[]> {
  return sql<{ roomNid: number; joined: number }[]>`
    SELECT room_nid AS "roomNid", count(*) AS joined FROM memberships
    WHERE room_nid = ANY (${numberArray(roomNids)}::bigint[]) AND membership = 'join'
    GROUP BY room_nid`;
}

/** What users of one server are to rooms: each membership that one of them has there, once. */
export async function membershipsOfServerIn(
  sql: Sql | Tx,
  roomNids: readonly number[],
  server: string,
): Promise<{ roomNid: number; membership: string }[]> {
  return sql<{ roomNid: number; membership: string }[]>`
    SELECT DISTINCT room_nid AS "roomNid", membership FROM memberships
    WHERE room_nid = ANY (${numberArray(roomNids)}::bigint[]) AND server = ${server}`;
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

/**
 * Stripped state that came with each invite or knock, in the given order: JSON array text; null
 * where none came.
 */
export async function strippedStates(
  sql: Sql | Tx,
  asked: readonly { readonly roomNid: number; readonly userId: string }[],
): Promise<(string | null)[]> {
  const rows = await sql<{ text: string | null }[]>`
    SELECT s.stripped_state AS text
    FROM unnest(${numberArray(asked.map(({ roomNid }) => roomNid))}::bigint[],
                ${textArray(asked.map(({ userId }) => userId))}::text[])
      WITH ORDINALITY AS asked (room_nid, user_id, at)
    LEFT JOIN stripped_rooms s ON s.room_nid = asked.room_nid AND s.user_id = asked.user_id
    ORDER BY asked.at`;
  return rows.map(({ text }) => text);
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
