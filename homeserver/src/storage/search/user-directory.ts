import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";
import { wordList } from "./words.ts";

/** What is known of a user who may be found. */
export interface DirectoryFacts {
  readonly userId: string;
  /** They are in a room that anybody may join or read. */
  readonly isOpen: boolean;
  /** Of a local user's profile. */
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
  /** An account of this server that is open. */
  readonly isLocal: boolean;
  /** The PDU of their last join, in an open room if there is one. */
  readonly member: string | null;
}

/** Facts of those of the users who are in a room; accounts for support are nobody's to find. */
export async function directoryFacts(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<DirectoryFacts[]> {
  return sql<DirectoryFacts[]>`
    SELECT u.user_id AS "userId", r.open AS "isOpen", p.displayname AS "displayName",
      p.avatar_url AS "avatarUrl", a.user_id IS NOT NULL AND a.deactivated_ts IS NULL AS "isLocal", e.json AS member
    FROM unnest(${textArray(userIds)}::text[]) AS u (user_id)
    CROSS JOIN LATERAL (
      SELECT bool_or(o.room_nid IS NOT NULL) AS open,
        (array_agg(m.event_nid ORDER BY o.room_nid IS NULL, m.position DESC))[1] AS event_nid
      FROM memberships m LEFT JOIN open_rooms o USING (room_nid)
      WHERE m.user_id = u.user_id AND m.membership = 'join') r
    LEFT JOIN accounts a ON a.user_id = u.user_id
    LEFT JOIN profiles p ON p.user_id = a.user_id AND a.deactivated_ts IS NULL
    LEFT JOIN events e ON e.event_nid = r.event_nid AND a.user_id IS NULL
    WHERE r.open IS NOT NULL AND a.user_type IS DISTINCT FROM 'support'`;
}

export interface DirectoryEntry {
  readonly userId: string;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}

/** Writes users as they are now to be found; those of `userIds` who have no entry are found no more. */
export async function writeDirectory(
  tx: Tx,
  userIds: readonly string[],
  entries: readonly (DirectoryEntry & { readonly words: readonly string[] })[],
): Promise<void> {
  const sorted = entries.toSorted((a, b) => (a.userId < b.userId ? -1 : 1));
  await tx`
    DELETE FROM user_directory WHERE user_id = ANY (${textArray(userIds)}::text[])
      AND user_id <> ALL (${textArray(sorted.map((entry) => entry.userId))}::text[])`;
  await tx`
    INSERT INTO user_directory AS d (user_id, display_name, avatar_url, words)
    SELECT t.user_id, t.display_name, t.avatar_url,
      array_to_tsvector(string_to_array(t.words, E'\n'))
    FROM unnest(${textArray(sorted.map((entry) => entry.userId))}::text[],
      ${textArray(sorted.map((entry) => entry.displayName))}::text[],
      ${textArray(sorted.map((entry) => entry.avatarUrl))}::text[],
      ${textArray(sorted.map((entry) => wordList(entry.words)))}::text[])
      AS t (user_id, display_name, avatar_url, words)
    ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name,
      avatar_url = excluded.avatar_url, words = excluded.words
    WHERE (d.display_name, d.avatar_url, d.words)
      IS DISTINCT FROM (excluded.display_name, excluded.avatar_url, excluded.words)`;
}

/**
 * Entries that have the words and are in an open room, as of the last writing; in no order. `words`
 * is a condition in the syntax of tsquery, here and below.
 */
export async function findInOpenRooms(
  sql: Sql | Tx,
  words: string,
  limit: number,
): Promise<DirectoryEntry[]> {
  return sql<DirectoryEntry[]>`
    SELECT ${columns(sql)} FROM user_directory d
    WHERE d.words @@ (${words}::tsquery && '''#open'''::tsquery) LIMIT ${limit}`;
}

/** How many are in the user's rooms, each counted once a room; not beyond `max`. */
export async function countNear(sql: Sql | Tx, userId: string, max: number): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*) AS n FROM (${membersNear(sql, userId, max)}) t`;
  return row?.n ?? 0;
}

/** Of those in the user's rooms, of whom there are at most `max`, entries that have the words. */
export async function findAmongFew(
  sql: Sql | Tx,
  userId: string,
  words: string,
  { max, limit }: { readonly max: number; readonly limit: number },
): Promise<DirectoryEntry[]> {
  return sql<DirectoryEntry[]>`
    WITH near AS MATERIALIZED (${membersNear(sql, userId, max)})
    SELECT ${columns(sql)} FROM (SELECT DISTINCT user_id FROM near) n
    JOIN user_directory d USING (user_id)
    WHERE d.words @@ ${words}::tsquery LIMIT ${limit}`;
}

/** The same where there are many: of the entries that have the words, some who share a room. */
export async function findAmongMany(
  sql: Sql | Tx,
  userId: string,
  words: string,
  limit: number,
): Promise<DirectoryEntry[]> {
  return sql<DirectoryEntry[]>`
    SELECT ${columns(sql)} FROM user_directory d
    CROSS JOIN LATERAL (
      SELECT 1 FROM memberships t
      WHERE t.user_id = d.user_id AND t.membership = 'join' AND EXISTS (
        SELECT 1 FROM memberships m WHERE m.room_nid = t.room_nid
          AND m.user_id = ${userId} AND m.membership = 'join' LIMIT 1)
      LIMIT 1) shared
    WHERE d.words @@ ${words}::tsquery LIMIT ${limit}`;
}

function columns(sql: Sql | Tx) {
  return sql`d.user_id AS "userId", d.display_name AS "displayName", d.avatar_url AS "avatarUrl"`;
}

function membersNear(sql: Sql | Tx, userId: string, max: number) {
  return sql`
    SELECT t.user_id FROM memberships m JOIN memberships t USING (room_nid)
    WHERE m.user_id = ${userId} AND m.membership = 'join' AND t.membership = 'join'
    LIMIT ${max}`;
}

/** Those of the others who share a room with the user, or are in an open one, now. */
export async function visibleUsers(
  sql: Sql | Tx,
  userId: string,
  others: readonly string[],
): Promise<string[]> {
  // By the index of each user, whatever the tables' sizes make of a join.
  const rows = await sql<{ userId: string }[]>`
    SELECT u.user_id AS "userId" FROM unnest(${textArray(others)}::text[]) AS u (user_id)
    CROSS JOIN LATERAL (
      SELECT 1 FROM memberships t
      WHERE t.user_id = u.user_id AND t.membership = 'join' AND (
        EXISTS (SELECT 1 FROM open_rooms o WHERE o.room_nid = t.room_nid LIMIT 1)
        OR EXISTS (SELECT 1 FROM memberships m WHERE m.room_nid = t.room_nid
          AND m.user_id = ${userId} AND m.membership = 'join' LIMIT 1))
      LIMIT 1) shared
    WHERE NOT EXISTS (
      SELECT 1 FROM accounts a WHERE a.user_id = u.user_id AND a.deactivated_ts IS NOT NULL)`;
  return rows.map((row) => row.userId);
}

/** Notes which of the rooms are open; returns those of which it was not noted before. */
export async function noteOpenRooms(
  tx: Tx,
  rooms: readonly { readonly roomNid: number; readonly isOpen: boolean }[],
): Promise<number[]> {
  const open = rooms.filter((room) => room.isOpen).map((room) => room.roomNid);
  const shut = rooms.filter((room) => !room.isOpen).map((room) => room.roomNid);
  const added = await tx<{ roomNid: number }[]>`
    INSERT INTO open_rooms (room_nid)
    SELECT n FROM unnest(${numberArray(open)}::bigint[]) n ORDER BY n
    ON CONFLICT DO NOTHING RETURNING room_nid AS "roomNid"`;
  const removed = await tx<{ roomNid: number }[]>`
    DELETE FROM open_rooms WHERE room_nid = ANY (${numberArray(shut)}::bigint[])
    RETURNING room_nid AS "roomNid"`;
  return [...added, ...removed].map((row) => row.roomNid);
}

/** The next rooms by nid. */
export async function nextRooms(sql: Sql | Tx, after: number, limit: number): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    SELECT room_nid AS "roomNid" FROM rooms WHERE room_nid > ${after}
    ORDER BY room_nid LIMIT ${limit}`;
  return rows.map((row) => row.roomNid);
}

/** The next users who are in rooms, by user id; of one room where it is given. */
export async function nextMembers(
  sql: Sql | Tx,
  after: string,
  limit: number,
  roomNid?: number,
): Promise<string[]> {
  const ofRoom = roomNid === undefined ? sql`` : sql`AND room_nid = ${roomNid}`;
  const rows = await sql<{ userId: string }[]>`
    SELECT DISTINCT user_id AS "userId" FROM memberships
    WHERE user_id > ${after} AND membership = 'join' ${ofRoom} ORDER BY user_id LIMIT ${limit}`;
  return rows.map((row) => row.userId);
}
