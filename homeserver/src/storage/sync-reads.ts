import { numberArray, textArray, type Sql } from "./sql.ts";

/** A receipt in a room. */
export interface ReceiptOfRoom {
  readonly userId: string;
  readonly receiptType: string;
  readonly threadId: string;
  readonly eventId: string;
  readonly ts: number;
}

/** What a user gets of a room: what has a position in (after, upTo]. */
export interface RoomRange {
  readonly userId: string;
  /** 0: what belongs to no room. */
  readonly roomNid: number;
  readonly after: number;
  readonly upTo: number;
}

/** The ranges as columns of a statement. */
function columnsOf(ranges: readonly RoomRange[]) {
  return {
    userIds: textArray(ranges.map(({ userId }) => userId)),
    roomNids: numberArray(ranges.map(({ roomNid }) => roomNid)),
    afters: numberArray(ranges.map(({ after }) => after)),
    upTos: numberArray(ranges.map(({ upTo }) => upTo)),
  };
}

/** The rows of each range, in the order of the ranges. */
function byRange<Row extends { readonly at: number }>(
  ranges: readonly RoomRange[],
  rows: readonly Row[],
): Row[][] {
  const found = Map.groupBy(rows, ({ at }) => at);
  return ranges.map((_, index) => found.get(index + 1) ?? []);
}

/** Receipts of rooms, for each range; private ones only of its user. */
export async function receiptsBetween(
  sql: Sql,
  ranges: readonly RoomRange[],
): Promise<ReceiptOfRoom[][]> {
  const [whole, later] = [new Array<RoomRange>(), new Array<RoomRange>()];
  for (const range of ranges) (range.after === 0 ? whole : later).push(range);
  const [first, news] = await Promise.all([
    whole.length === 0 ? [] : receiptsWithin(sql, whole),
    later.length === 0 ? [] : receiptsWithin(sql, later),
  ]);
  const answers = { whole: first.values(), later: news.values() };
  return ranges.map(({ after }) => answers[after === 0 ? "whole" : "later"].next().value!);
}

/** One range holds all of them, so that PostgreSQL sees whether it is short. */
async function receiptsWithin(sql: Sql, ranges: readonly RoomRange[]): Promise<ReceiptOfRoom[][]> {
  const from = Math.min(...ranges.map(({ after }) => after));
  const to = Math.max(...ranges.map(({ upTo }) => upTo));
  const { userIds, roomNids, afters, upTos } = columnsOf(ranges);
  const rows = await sql<(ReceiptOfRoom & { at: number })[]>`
    SELECT range.at, r.user_id AS "userId", r.receipt_type AS "receiptType",
           r.thread_id AS "threadId", r.event_id AS "eventId", r.ts
    FROM unnest(${userIds}::text[], ${roomNids}::bigint[], ${afters}::bigint[], ${upTos}::bigint[])
      WITH ORDINALITY AS range (reader, room_nid, after, up_to, at)
    JOIN receipts r ON r.room_nid = range.room_nid AND r.position > ${from} AND r.position <= ${to}
      AND r.position > range.after AND r.position <= range.up_to
      AND (r.receipt_type <> 'm.read.private' OR r.user_id = range.reader)`;
  return byRange(ranges, rows);
}

/**
 * Those of the rooms that had an event, a receipt or a change of the user's account data after a
 * position.
 */
export async function touchedRooms(
  sql: Sql,
  range: { userId: string; roomNids: readonly number[]; after: number },
): Promise<Set<number>> {
  const { userId, after } = range;
  const rows = await sql<{ roomNid: number }[]>`
    SELECT room.nid AS "roomNid" FROM unnest(${numberArray(range.roomNids)}::bigint[]) AS room (nid)
    WHERE EXISTS (SELECT 1 FROM events e WHERE e.room_nid = room.nid AND e.position > ${after}
              AND e.position IS NOT NULL AND e.status = 0)
       OR EXISTS (SELECT 1 FROM receipts r WHERE r.room_nid = room.nid AND r.position > ${after})
       OR EXISTS (SELECT 1 FROM sticky_events s
                  WHERE s.room_nid = room.nid AND s.position > ${after} AND NOT s.has_failed)
       OR EXISTS (SELECT 1 FROM account_data a WHERE a.user_id = ${userId} AND a.room_nid = room.nid
                    AND a.position > ${after})`;
  return new Set(rows.map((row) => row.roomNid));
}

/**
 * How far users have read rooms, in the given order: thread id ('' unthreaded, 'main') → log
 * position up to which live events are read. History stands in front of the live event at its
 * position, and counts as read only with that event.
 */
export async function readPositions(
  sql: Sql,
  readers: readonly { readonly userId: string; readonly roomNid: number }[],
): Promise<Map<string, number>[]> {
  const rows = await sql<{ at: number; threadId: string; position: number }[]>`
    SELECT reader.at, r.thread_id AS "threadId",
      max(CASE WHEN e.ordinal < 0 THEN e.position - 1
               ELSE COALESCE(r.event_position, e.position, 0) END) AS position
    FROM unnest(${textArray(readers.map(({ userId }) => userId))}::text[],
                ${numberArray(readers.map(({ roomNid }) => roomNid))}::bigint[])
      WITH ORDINALITY AS reader (user_id, room_nid, at)
    JOIN receipts r ON r.user_id = reader.user_id AND r.room_nid = reader.room_nid
    LEFT JOIN events e ON e.event_id = r.event_id
    GROUP BY reader.at, r.thread_id`;
  const byReader = Map.groupBy(rows, ({ at }) => at);
  return readers.map((_, index) => {
    const ofReader = byReader.get(index + 1) ?? [];
    return new Map(ofReader.map(({ threadId, position }) => [threadId, position]));
  });
}

/** Account data of users in rooms, for each range. */
export async function accountDataBetween(
  sql: Sql,
  ranges: readonly RoomRange[],
): Promise<{ type: string; content: string }[][]> {
  const { userIds, roomNids, afters, upTos } = columnsOf(ranges);
  const rows = await sql<{ at: number; type: string; content: string }[]>`
    SELECT range.at, d.type, d.content
    FROM unnest(${userIds}::text[], ${roomNids}::bigint[], ${afters}::bigint[], ${upTos}::bigint[])
      WITH ORDINALITY AS range (user_id, room_nid, after, up_to, at)
    JOIN account_data d ON d.user_id = range.user_id AND d.room_nid = range.room_nid
      AND d.position > range.after AND d.position <= range.up_to`;
  return byRange(ranges, rows);
}

/** Receipts of many rooms. */
export interface ReceiptsRange {
  /** Private receipts are only theirs. */
  readonly reader: string;
  /** Room nid → position after which they are wanted; 0: from the beginning. */
  readonly after: ReadonlyMap<number, number>;
  readonly upTo: number;
  /** Ids of events. */
  readonly at: readonly string[];
}

type ReceiptInRoom = ReceiptOfRoom & { readonly roomNid: number };

/** From a room's beginning, only the reader's receipts and those at some events. */
export async function receiptsOfRooms(sql: Sql, range: ReceiptsRange): Promise<ReceiptInRoom[]> {
  const [fresh, followed] = [new Array<number>(), new Array<number>()];
  for (const [nid, after] of range.after) (after === 0 ? fresh : followed).push(nid);
  const [first, later] = await Promise.all([
    fresh.length === 0 ? [] : firstReceipts(sql, range, fresh),
    followed.length === 0 ? [] : laterReceipts(sql, range, followed),
  ]);
  return [...first, ...later];
}

async function firstReceipts(
  sql: Sql,
  { reader, upTo, at }: ReceiptsRange,
  roomNids: readonly number[],
): Promise<ReceiptInRoom[]> {
  return sql<ReceiptInRoom[]>`
    SELECT room_nid AS "roomNid", user_id AS "userId", receipt_type AS "receiptType",
           thread_id AS "threadId", event_id AS "eventId", ts
    FROM receipts
    WHERE room_nid = ANY (${numberArray(roomNids)}::bigint[]) AND position <= ${upTo}
      AND (user_id = ${reader}
           OR receipt_type <> 'm.read.private' AND event_id = ANY (${textArray(at)}::text[]))`;
}

/** By one range for all rooms, so that PostgreSQL sees whether it is short. */
async function laterReceipts(
  sql: Sql,
  { reader, after, upTo }: ReceiptsRange,
  roomNids: readonly number[],
): Promise<ReceiptInRoom[]> {
  const from = Math.min(...roomNids.map((nid) => after.get(nid)!));
  const rows = await sql<(ReceiptInRoom & { readonly position: number })[]>`
    SELECT room_nid AS "roomNid", user_id AS "userId", receipt_type AS "receiptType",
           thread_id AS "threadId", event_id AS "eventId", ts, position
    FROM receipts
    WHERE room_nid = ANY (${numberArray(roomNids)}::bigint[])
      AND position > ${from} AND position <= ${upTo}
      AND (receipt_type <> 'm.read.private' OR user_id = ${reader})`;
  return rows.filter(({ roomNid, position }) => position > after.get(roomNid)!);
}

/** Log position of a user's own last receipt in each of the rooms where there is one after another. */
export async function ownReceiptsAfter(
  sql: Sql,
  range: {
    readonly userId: string;
    readonly roomNids: readonly number[];
    readonly after: number;
  },
): Promise<Map<number, number>> {
  const rows = await sql<{ roomNid: number; position: number }[]>`
    SELECT room_nid AS "roomNid", max(position) AS position FROM receipts
    WHERE user_id = ${range.userId} AND position > ${range.after}
      AND room_nid = ANY (${numberArray(range.roomNids)}::bigint[])
    GROUP BY room_nid`;
  return new Map(rows.map(({ roomNid, position }) => [roomNid, position]));
}

/** A user's account data of all rooms whose position lies in (after, upTo]. */
export async function roomAccountDataBetween(
  sql: Sql,
  range: { readonly userId: string; readonly after: number; readonly upTo: number },
): Promise<{ roomNid: number; position: number; type: string; content: string }[]> {
  return sql<{ roomNid: number; position: number; type: string; content: string }[]>`
    SELECT room_nid AS "roomNid", position, type, content FROM account_data
    WHERE user_id = ${range.userId} AND room_nid <> 0
      AND position > ${range.after} AND position <= ${range.upTo}`;
}
