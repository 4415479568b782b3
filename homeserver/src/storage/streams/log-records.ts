import type { Sql, Tx } from "../sql.ts";

/** Up to here everything is committed. */
export async function logPosition(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ position: number }[]>`SELECT position FROM log_head`;
  if (row === undefined) throw new Error("log_head has no row: the database is not migrated");
  return row.position;
}

export interface LiveEventRow {
  position: number;
  room_nid: number;
  room_id: string;
  version: string;
  event_nid: number;
  event_id: string;
  json: string;
  status: number;
  state_before: Buffer | null;
  state_after: Buffer | null;
  room_state: Buffer | null;
  /** room_state of the live event before it in the room. */
  state_root_before: Buffer | null;
  redacted_by: number | null;
  forwarded: boolean;
  handed_over: boolean;
  after_gap: boolean;
}

/** Live events with after < position ≤ upTo, oldest first. */
export async function liveEvents(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<LiveEventRow[]> {
  return sql<LiveEventRow[]>`
    SELECT e.position, e.room_nid, r.room_id, coalesce(e.version, r.version) AS version, e.event_nid, e.event_id, e.json, e.status,
      e.state_before, e.state_after, e.room_state, e.redacted_by, e.forwarded,
      e.handed_over, e.after_gap,
      (SELECT p.room_state FROM events p
        WHERE p.room_nid = e.room_nid AND p.position < e.position AND p.ordinal = 0 AND p.status = 0
        ORDER BY p.position DESC LIMIT 1) AS state_root_before
    FROM events e JOIN rooms r USING (room_nid)
    WHERE e.position > ${after} AND e.position <= ${upTo} AND e.position IS NOT NULL AND e.ordinal = 0
    ORDER BY e.position LIMIT ${limit}`;
}

export interface MembershipLogRow {
  position: number;
  room_nid: number;
  room_id: string;
  user_id: string;
  server: string;
  membership: string;
  event_nid: number;
}

/** Memberships that hold since the `limit` first positions in after < position ≤ upTo, oldest first. */
export async function membershipChanges(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<MembershipLogRow[]> {
  return sql<MembershipLogRow[]>`
    SELECT m.position, m.room_nid, r.room_id, m.user_id, m.server, m.membership, m.event_nid
    FROM memberships m JOIN rooms r USING (room_nid)
    WHERE m.position IN (
      SELECT DISTINCT position FROM memberships
      WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit})
    ORDER BY m.position, m.user_id`;
}

export interface ReceiptLogRow {
  position: number;
  room_nid: number;
  room_id: string;
  user_id: string;
  receipt_type: string;
  thread_id: string;
  event_id: string;
  event_position: number | null;
  ts: number;
}

/** Receipts whose newest position is in after < position ≤ upTo, oldest first. */
export async function receiptChanges(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<ReceiptLogRow[]> {
  return sql<ReceiptLogRow[]>`
    SELECT c.position, c.room_nid, r.room_id, c.user_id, c.receipt_type, c.thread_id, c.event_id,
      c.event_position, c.ts
    FROM receipts c JOIN rooms r USING (room_nid)
    WHERE c.position > ${after} AND c.position <= ${upTo} ORDER BY c.position LIMIT ${limit}`;
}

export interface AccountDataLogRow {
  position: number;
  user_id: string;
  /** 0: global. */
  room_nid: number;
  type: string;
  content: string;
}

/** Account data whose newest position is in after < position ≤ upTo, oldest first. */
export async function accountDataChanges(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<AccountDataLogRow[]> {
  return sql<AccountDataLogRow[]>`
    SELECT position, user_id, room_nid, type, content FROM account_data
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`;
}

export interface PurgeLogRow {
  position: number;
  room_nid: number;
  room_id: string;
  whole: boolean;
}

/** Purges with after < position ≤ upTo, oldest first. */
export async function purgesInLog(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<PurgeLogRow[]> {
  return sql<PurgeLogRow[]>`
    SELECT position, room_nid, room_id, whole FROM purged_rooms
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`;
}

/** Rooms that became partial, or whole, in after < position ≤ upTo, oldest first. */
export async function partialRoomsInLog(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<{ position: number; roomNid: number; roomId: string; isComplete: boolean }[]> {
  return sql<{ position: number; roomNid: number; roomId: string; isComplete: boolean }[]>`
    SELECT p.position, p.room_nid AS "roomNid", r.room_id AS "roomId", p.complete AS "isComplete"
    FROM partial_rooms p JOIN rooms r USING (room_nid)
    WHERE p.position > ${after} AND p.position <= ${upTo} ORDER BY p.position LIMIT ${limit}`;
}

/** Rooms that users forgot, and have not come back to since, in after < position ≤ upTo, oldest first. */
export async function forgottenInLog(
  sql: Sql | Tx,
  after: number,
  upTo: number,
  limit: number,
): Promise<{ position: number; roomNid: number; roomId: string; userId: string }[]> {
  return sql<{ position: number; roomNid: number; roomId: string; userId: string }[]>`
    SELECT m.forgotten_position AS position, m.room_nid AS "roomNid", r.room_id AS "roomId",
      m.user_id AS "userId"
    FROM memberships m JOIN rooms r USING (room_nid)
    WHERE m.forgotten_position > ${after} AND m.forgotten_position <= ${upTo} AND m.forgotten
    ORDER BY m.forgotten_position LIMIT ${limit}`;
}
