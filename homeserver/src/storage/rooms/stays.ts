/**
 * Who shared rooms with whom at positions of the log. A user stays in a room from the log position
 * at which they joined until they are joined no longer (the view `stays`). While a room's members
 * are not all known here, nobody shares it.
 */
import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";
import { type Between, mayBeIn } from "../streams/device-lists.ts";
import type { ProfileField } from "../streams/profiles.ts";

export type { Between };

export interface UserInRoom {
  readonly userId: string;
  readonly roomNid: number;
}

/** Rooms that a user was in at one of two positions, or at both. */
export interface RoomsOfStays {
  readonly throughout: readonly number[];
  /** Not at the first, or left and entered again since: those are among the first list, too. */
  readonly entered: readonly number[];
  /** Not at the second. */
  readonly left: readonly number[];
}

/** The rooms whose members the user shared at the two positions; of `among`, or of all. */
export async function roomsOfStays(
  sql: Sql | Tx,
  userId: string,
  { after, upTo }: Between,
  among: readonly number[] | undefined,
): Promise<RoomsOfStays> {
  const rows = await sql<{ roomNid: number; before: boolean; now: boolean; anew: boolean }[]>`
    SELECT s.room_nid AS "roomNid", bool_or(${isAt(sql, after)}) AS before,
      bool_or(${isAt(sql, upTo)}) AS now, max(s.joined_at) > ${after} AS anew
    FROM stays s
    WHERE s.user_id = ${userId} AND s.joined_at <= ${upTo}
      AND (s.left_at IS NULL OR s.left_at > ${after})
      ${among === undefined ? sql`` : sql`AND s.room_nid = ANY (${numberArray(among)}::bigint[])`}
    GROUP BY s.room_nid`;
  const those = (is: (row: (typeof rows)[number]) => boolean) =>
    rows.filter(is).map(({ roomNid }) => roomNid);
  return {
    throughout: those(({ before, now }) => before && now),
    entered: those(({ before, now, anew }) => now && (anew || !before)),
    left: those(({ before, now }) => before && !now),
  };
}

/**
 * Whether a stay `s` is one at a position, in a room whose members are known then, and lasts beyond
 * `until`.
 */
function isAt(sql: Sql | Tx, position: number, until = position) {
  return sql`(s.joined_at <= ${position} AND (s.left_at IS NULL OR s.left_at > ${until})
    AND NOT EXISTS (SELECT 1 FROM partial_times t
                    WHERE t.room_nid = s.room_nid AND t.began <= ${position}
                      AND (t.ended IS NULL OR t.ended > ${position})))`;
}

/** Users, each once. */
export interface Comings {
  /** Members at the second position of a room in which the reader did not share them before. */
  readonly came: readonly string[];
  /** Members at the first position of a room in which the reader does not share them any more. */
  readonly left: readonly string[];
}

/**
 * Who came into these rooms of a reader, and who left them, and all members of those that the
 * reader entered or left.
 */
export async function comingsIn(
  sql: Sql | Tx,
  rooms: RoomsOfStays,
  { after, upTo }: Between,
): Promise<Comings> {
  const [throughout, entered, left] = [rooms.throughout, rooms.entered, rooms.left].map((nids) =>
    numberArray(nids),
  );
  const rows = await sql<{ userId: string; came: boolean }[]>`
    SELECT user_id AS "userId", true AS came FROM stays
    WHERE room_nid = ANY (${throughout!}::bigint[]) AND joined_at > ${after} AND joined_at <= ${upTo}
      AND (left_at IS NULL OR left_at > ${upTo})
    UNION SELECT user_id, true FROM stays
    WHERE room_nid = ANY (${entered!}::bigint[]) AND joined_at <= ${upTo}
      AND (left_at IS NULL OR left_at > ${upTo})
    UNION SELECT user_id, false FROM past_stays
    WHERE room_nid = ANY (${throughout!}::bigint[]) AND left_at > ${after} AND left_at <= ${upTo}
      AND joined_at <= ${after}
    UNION SELECT user_id, false FROM stays
    WHERE room_nid = ANY (${left!}::bigint[]) AND joined_at <= ${after}
      AND (left_at IS NULL OR left_at > ${after})`;
  const those = (came: boolean) =>
    rows.filter((row) => row.came === came).map(({ userId }) => userId);
  return { came: those(true), left: those(false) };
}

/** With more others than this, the statement is planned for those who are asked for. */
const FEW = 100;

/**
 * Those of the others who shared a room with the user at a position, and the same room on until
 * another, without a break.
 */
export async function sharing(
  sql: Sql | Tx,
  userId: string,
  others: readonly string[],
  { after, upTo }: Between,
): Promise<Set<string>> {
  if (others.length === 0) return new Set();
  if (others.length > FEW) return manySharing(sql, userId, others, { after, upTo });
  const rows = await sql<{ userId: string }[]>`
    SELECT DISTINCT o.user_id AS "userId" FROM stays o
    WHERE o.user_id = ANY (${textArray(others)}::text[])
      AND o.joined_at <= ${after} AND (o.left_at IS NULL OR o.left_at > ${upTo})
      AND EXISTS (SELECT 1 FROM stays s
                  WHERE s.user_id = ${userId} AND s.room_nid = o.room_nid
                    AND ${isAt(sql, after, upTo)})`;
  return new Set(rows.map((row) => row.userId));
}

/** The user's rooms are read first, and constants make both lists hash tables. */
async function manySharing(
  sql: Sql | Tx,
  userId: string,
  others: readonly string[],
  { after, upTo }: Between,
): Promise<Set<string>> {
  const own = await sql<{ roomNid: number }[]>`
    SELECT s.room_nid AS "roomNid" FROM stays s
    WHERE s.user_id = ${userId} AND ${isAt(sql, after, upTo)}`;
  const rows = await sql.unsafe<{ userId: string }[]>(
    `SELECT DISTINCT user_id AS "userId" FROM stays
      WHERE user_id = ANY ($1::text[]) AND room_nid = ANY ($2::bigint[])
        AND joined_at <= $3 AND (left_at IS NULL OR left_at > $4)`,
    [textArray(others), numberArray(own.map(({ roomNid }) => roomNid)), after, upTo],
    { prepare: false },
  );
  return new Set(rows.map((row) => row.userId));
}

/** Up to `limit` rooms that the users are in at a position, of those whose members are known then. */
export async function roomsAt(
  sql: Sql | Tx,
  userIds: readonly string[],
  position: number,
  limit: number,
): Promise<UserInRoom[]> {
  return sql<UserInRoom[]>`
    SELECT s.user_id AS "userId", s.room_nid AS "roomNid" FROM stays s
    WHERE s.user_id = ANY (${textArray(userIds)}::text[]) AND ${isAt(sql, position)}
    LIMIT ${limit}`;
}

/** All who share a room with the user at a position. */
export async function sharers(sql: Sql | Tx, userId: string, position: number): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    WITH ${membersAt(sql, userId, position)}
    SELECT user_id AS "userId" FROM members WHERE user_id <> ${userId}`;
  return rows.map((row) => row.userId);
}

/**
 * `usersWithChanges` of those who share a room with the user at the second position, and of the
 * user: the cost goes with their number, not with that of the changes.
 */
export async function sharersWithChanges(
  sql: Sql | Tx,
  userId: string,
  between: Between,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    WITH ${membersAt(sql, userId, between.upTo)}
    SELECT m.user_id AS "userId"
    FROM (SELECT user_id FROM members UNION SELECT ${userId}::text) AS m
    CROSS JOIN LATERAL (
      SELECT ${mayBeIn(sql, between)} AS found FROM device_list_changes
      WHERE user_id = m.user_id AND position > ${between.after}) AS changes
    WHERE changes.found`;
  return rows.map((row) => row.userId);
}

/** Fields of profiles of those who share a room with the user, and of the user, that changed. */
export async function sharersProfileFields(
  sql: Sql | Tx,
  userId: string,
  { after, upTo }: Between,
): Promise<ProfileField[]> {
  return sql<ProfileField[]>`
    WITH ${membersAt(sql, userId, upTo)}
    SELECT c.user_id AS "userId", c.field
    FROM (SELECT user_id FROM members UNION SELECT ${userId}::text) AS m
    JOIN profile_changes c ON c.user_id = m.user_id
    WHERE c.position > ${after} AND c.position <= ${upTo}`;
}

/** The members of a user's rooms, as the table expression `members`. */
function membersAt(sql: Sql | Tx, userId: string, position: number) {
  return sql`own AS MATERIALIZED (
      SELECT s.room_nid FROM stays s WHERE s.user_id = ${userId} AND ${isAt(sql, position)}),
    members AS MATERIALIZED (
      SELECT DISTINCT o.user_id FROM own JOIN stays o USING (room_nid)
      WHERE o.joined_at <= ${position} AND (o.left_at IS NULL OR o.left_at > ${position}))`;
}

/** Rooms in which each of the users has been at any time from a position on, by user. */
export async function roomsSince(
  sql: Sql | Tx,
  userIds: readonly string[],
  position: number,
): Promise<UserInRoom[]> {
  return sql<UserInRoom[]>`
    SELECT DISTINCT user_id AS "userId", room_nid AS "roomNid" FROM stays
    WHERE user_id = ANY (${textArray(userIds)}::text[])
      AND (left_at IS NULL OR left_at > ${position})`;
}
