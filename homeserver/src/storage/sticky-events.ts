/** Sticky events, by room (MSC4354). */
import { numberArray, type Sql, textArray } from "./sql.ts";

/** Log positions of a room: after < position ≤ upTo. */
export interface StickyRange {
  readonly roomNid: number;
  readonly after: number;
  readonly upTo: number;
}

/** nids of the events of each range that are still sticky, in the order of the log. */
export async function stickyBetween(
  sql: Sql,
  ranges: readonly StickyRange[],
  now: number,
): Promise<number[][]> {
  const rows = await sql<{ at: number; nid: number }[]>`
    SELECT r.at, s.event_nid AS nid
    FROM unnest(${numberArray(ranges.map(({ roomNid }) => roomNid))}::bigint[],
                ${numberArray(ranges.map(({ after }) => after))}::bigint[],
                ${numberArray(ranges.map(({ upTo }) => upTo))}::bigint[])
      WITH ORDINALITY AS r (room_nid, after, up_to, at)
    JOIN sticky_events s ON s.room_nid = r.room_nid
      AND s.position > r.after AND s.position <= r.up_to
    WHERE NOT s.has_failed AND s.expires_ts > ${now}
    ORDER BY r.at, s.position`;
  const byRange = Map.groupBy(rows, ({ at }) => at);
  return ranges.map((_, index) => (byRange.get(index + 1) ?? []).map(({ nid }) => nid));
}

export interface StickyInRoom {
  readonly roomNid: number;
  readonly nid: number;
  readonly position: number;
}

/** The same of several rooms together, the first `limit` of them. */
export async function stickyAcross(
  sql: Sql,
  range: {
    readonly roomNids: readonly number[];
    readonly after: number;
    readonly upTo: number;
    readonly now: number;
    readonly limit: number;
  },
): Promise<StickyInRoom[]> {
  return sql<StickyInRoom[]>`
    SELECT room_nid AS "roomNid", event_nid AS nid, position FROM sticky_events
    WHERE room_nid = ANY (${numberArray(range.roomNids)}::bigint[])
      AND position > ${range.after} AND position <= ${range.upTo}
      AND NOT has_failed AND expires_ts > ${range.now}
    ORDER BY position LIMIT ${range.limit}`;
}

/** A member whose membership changed at a log position. */
export interface MemberAt {
  readonly roomNid: number;
  readonly userId: string;
  readonly position: number;
}

/** A sticky event that was soft-failed. */
export interface FailedSticky {
  readonly roomNid: number;
  readonly eventNid: number;
  readonly sender: string;
  /** ms since 1970. */
  readonly expiresTs: number;
}

/** Soft-failed events of these members that are still sticky. */
export async function failedStickyOf(
  sql: Sql,
  members: readonly MemberAt[],
  now: number,
): Promise<FailedSticky[]> {
  return sql<FailedSticky[]>`
    SELECT DISTINCT s.room_nid AS "roomNid", s.event_nid AS "eventNid", s.sender,
      s.expires_ts AS "expiresTs"
    FROM unnest(${numberArray(members.map(({ roomNid }) => roomNid))}::bigint[],
                ${textArray(members.map(({ userId }) => userId))}::text[]) AS c (room_nid, user_id)
    JOIN sticky_events s ON s.room_nid = c.room_nid AND s.sender = c.user_id
    WHERE s.has_failed AND s.expires_ts > ${now} ORDER BY s.event_nid`;
}

/**
 * For members who are the first of their server in the room: the sticky events of our users from
 * before they came, in the order of the log, but for those that the server was sent already.
 */
export async function stickyForArrivals(
  sql: Sql,
  members: readonly MemberAt[],
  { ours, now }: { readonly ours: string; readonly now: number },
): Promise<{ server: string; roomNid: number; eventNid: number; expiresTs: number }[]> {
  const rows = await sql<
    { server: string; roomNid: number; eventNid: number; expiresTs: number; at: number }[]
  >`
    SELECT DISTINCT m.server, s.room_nid AS "roomNid", s.event_nid AS "eventNid",
      s.expires_ts AS "expiresTs", s.position AS at
    FROM unnest(${numberArray(members.map(({ roomNid }) => roomNid))}::bigint[],
                ${textArray(members.map(({ userId }) => userId))}::text[],
                ${numberArray(members.map(({ position }) => position))}::bigint[])
      AS c (room_nid, user_id, position)
    JOIN memberships m ON m.room_nid = c.room_nid AND m.user_id = c.user_id
      AND m.membership = 'join' AND m.server <> ${ours}
    JOIN sticky_events s ON s.room_nid = c.room_nid AND s.server = ${ours}
      AND s.position < c.position AND NOT s.has_failed AND s.expires_ts > ${now}
    WHERE NOT EXISTS (SELECT 1 FROM memberships o
        WHERE o.room_nid = c.room_nid AND o.server = m.server AND o.membership = 'join'
          AND o.user_id <> c.user_id AND o.position < c.position)
      AND NOT EXISTS (SELECT 1 FROM sticky_owed w
        WHERE w.server = m.server AND w.event_nid = s.event_nid)
    ORDER BY at`;
  return rows.map(({ server, roomNid, eventNid, expiresTs }) => ({
    ...{ server, roomNid, eventNid, expiresTs },
  }));
}

/** What a server is owed of them, while it is in the room, oldest first. */
export async function stickyOwedTo(
  sql: Sql,
  range: {
    readonly server: string;
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
  },
): Promise<{ nid: number; position: number; settled: boolean }[]> {
  return sql<{ nid: number; position: number; settled: boolean }[]>`
    SELECT w.event_nid AS nid, w.position, true AS settled FROM sticky_owed w
    WHERE w.server = ${range.server} AND w.position > ${range.after} AND w.position <= ${range.upTo}
      AND EXISTS (SELECT 1 FROM memberships m
        WHERE m.room_nid = w.room_nid AND m.server = w.server AND m.membership = 'join')
    ORDER BY w.position LIMIT ${range.limit}`;
}
