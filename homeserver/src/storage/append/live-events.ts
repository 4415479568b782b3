/** Reads live events and membership changes from the tables. */
import type { Sql, Tx } from "../sql.ts";
import type { Span } from "../streams/stream.ts";

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
  { after, upTo, limit }: Span,
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

/** Memberships set at the first `limit` positions in after < position ≤ upTo, oldest first. */
export async function membershipChanges(
  sql: Sql | Tx,
  { after, upTo, limit }: Span,
): Promise<MembershipLogRow[]> {
  return sql<MembershipLogRow[]>`
    SELECT m.position, m.room_nid, r.room_id, m.user_id, m.server, m.membership, m.event_nid
    FROM memberships m JOIN rooms r USING (room_nid)
    WHERE m.position IN (
      SELECT DISTINCT position FROM memberships
      WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit})
    ORDER BY m.position, m.user_id`;
}
