import { numberArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

export interface PlaceRow {
  nid: number;
  roomNid: number;
  position: number;
  ordinal: number;
}

/** The newest events at or before a place, newest first (all when `place` is undefined). */
export async function timelineBackwards(
  sql: Sql | Tx,
  roomNid: number,
  place: { position: number; ordinal: number } | undefined,
  after: { position: number; ordinal: number } | undefined,
  limit: number,
): Promise<PlaceRow[]> {
  const upTo =
    place === undefined
      ? sql``
      : sql`AND (position, ordinal) <= (${place.position}, ${place.ordinal})`;
  const beyond =
    after === undefined
      ? sql``
      : sql`AND (position, ordinal) > (${after.position}, ${after.ordinal})`;
  return sql<PlaceRow[]>`
    SELECT event_nid AS nid, room_nid AS "roomNid", position, ordinal FROM events
    WHERE room_nid = ${roomNid} AND position IS NOT NULL AND status = 0 ${upTo} ${beyond}
    ORDER BY position DESC, ordinal DESC LIMIT ${limit}`;
}

/** The oldest events behind a place, oldest first. */
export async function timelineForwards(
  sql: Sql | Tx,
  roomNid: number,
  place: { position: number; ordinal: number } | undefined,
  upTo: { position: number; ordinal: number } | undefined,
  limit: number,
): Promise<PlaceRow[]> {
  const after =
    place === undefined
      ? sql``
      : sql`AND (position, ordinal) > (${place.position}, ${place.ordinal})`;
  const until =
    upTo === undefined
      ? sql``
      : sql`AND (position, ordinal) <= (${upTo.position}, ${upTo.ordinal})`;
  return sql<PlaceRow[]>`
    SELECT event_nid AS nid, room_nid AS "roomNid", position, ordinal FROM events
    WHERE room_nid = ${roomNid} AND position IS NOT NULL AND status = 0 ${after} ${until}
    ORDER BY position, ordinal LIMIT ${limit}`;
}

/** A live event of a range, and where the newest gap of that range is; null: there is none. */
export interface RecentRow extends PlaceRow {
  /**
   * Position of the live event, shown or not, in front of which something is missing or was filled
   * in.
   */
  gapAt: number | null;
}

/** Live events of a room with after < position ≤ upTo: the newest `limit` of them. */
export interface RecentRange {
  readonly roomNid: number;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/**
 * The events of each range, the newest first; the ranges in the given order. (Live events have the
 * ordinal 0 and others lower ones. Asked for by `= 0`, PostgreSQL may read the index of the whole
 * log instead of the room's.)
 */
export async function recentEvents(
  sql: Sql | Tx,
  ranges: readonly RecentRange[],
): Promise<RecentRow[][]> {
  const column = (name: keyof RecentRange) => numberArray(ranges.map((range) => range[name]));
  const rows = await sql<(RecentRow & { at: number })[]>`
    SELECT range.at, e.event_nid AS nid, e.room_nid AS "roomNid", e.position, e.ordinal,
      (SELECT max(gap.position) FROM events gap
        WHERE gap.room_nid = range.room_nid AND gap.after_gap
          AND gap.position > range.after AND gap.position <= range.up_to) AS "gapAt"
    FROM unnest(${column("roomNid")}::bigint[], ${column("after")}::bigint[],
                ${column("upTo")}::bigint[], ${column("limit")}::bigint[])
      WITH ORDINALITY AS range (room_nid, after, up_to, most, at)
    CROSS JOIN LATERAL (
      SELECT event_nid, room_nid, position, ordinal FROM events
      WHERE room_nid = range.room_nid AND position > range.after AND position <= range.up_to
        AND ordinal >= 0 AND status = 0
      ORDER BY position DESC, ordinal DESC LIMIT range.most
    ) e
    ORDER BY range.at, e.position DESC, e.ordinal DESC`;
  const byRange = Map.groupBy(rows, ({ at }) => at);
  return ranges.map((_, index) => byRange.get(index + 1) ?? []);
}

/**
 * The state root of each room right after its last live event at or before a position, in the given
 * order; null where the room had none. (Soft-failed and rejected events leave it as it was, and are
 * not in the index of the timeline.)
 */
export async function roomStatesAt(
  sql: Sql | Tx,
  places: readonly { readonly roomNid: number; readonly position: number }[],
): Promise<(Buffer | null)[]> {
  const rows = await sql<{ root: Buffer | null }[]>`
    SELECT e.room_state AS root
    FROM unnest(${numberArray(places.map(({ roomNid }) => roomNid))}::bigint[],
                ${numberArray(places.map(({ position }) => position))}::bigint[])
      WITH ORDINALITY AS place (room_nid, position, at)
    LEFT JOIN LATERAL (
      SELECT room_state FROM events
      WHERE room_nid = place.room_nid AND events.position <= place.position AND ordinal >= 0
        AND status = 0 AND room_state IS NOT NULL
      ORDER BY events.position DESC LIMIT 1
    ) e ON true
    ORDER BY place.at`;
  return rows.map(({ root }) => root);
}

/**
 * An event that is not known, and the one that names it in prev_events: where that stands, and its
 * depth.
 */
export interface Gap {
  readonly eventId: string;
  readonly childNid: number;
  readonly position: number;
  readonly ordinal: number;
  readonly depth: number;
}

/** Gaps whose child stands within a stretch of the timeline, the newest first. */
export async function gapsBetween(
  sql: Sql | Tx,
  roomNid: number,
  from: { position: number; ordinal: number },
  to: { position: number; ordinal: number },
): Promise<Gap[]> {
  return sql<Gap[]>`
    SELECT m.event_id AS "eventId", m.child_nid AS "childNid", e.position, e.ordinal, e.depth
    FROM missing_events m JOIN events e ON e.event_nid = m.child_nid
    WHERE m.room_nid = ${roomNid} AND e.position IS NOT NULL
      AND (e.position, e.ordinal) >= (${from.position}, ${from.ordinal})
      AND (e.position, e.ordinal) <= (${to.position}, ${to.ordinal})
    ORDER BY e.position DESC, e.ordinal DESC`;
}

/** The lowest ordinal in front of a position: where the next event of history goes is one below. */
export async function lowestOrdinal(
  sql: Sql | Tx,
  roomNid: number,
  position: number,
): Promise<number> {
  const [row] = await sql<{ ordinal: number | null }[]>`
    SELECT min(ordinal) AS ordinal FROM events
    WHERE room_nid = ${roomNid} AND position = ${position} AND status = 0`;
  return row?.ordinal ?? 0;
}

/** Whether an event stands in that place. */
export async function isTaken(
  sql: Sql | Tx,
  roomNid: number,
  position: number,
  ordinal: number,
): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM events
    WHERE room_nid = ${roomNid} AND position = ${position} AND ordinal = ${ordinal} LIMIT 1`;
  return rows.length > 0;
}

/** The nearest ordinal that is taken below another in front of a position. */
export async function ordinalBelow(
  sql: Sql | Tx,
  roomNid: number,
  position: number,
  ordinal: number,
): Promise<number | undefined> {
  const [row] = await sql<{ ordinal: number | null }[]>`
    SELECT max(ordinal) AS ordinal FROM events
    WHERE room_nid = ${roomNid} AND position = ${position} AND ordinal < ${ordinal} AND status = 0`;
  return row?.ordinal ?? undefined;
}

/** The lowest ordinal in front of a position of an event that is deeper than this. */
export async function ordinalBehind(
  sql: Sql | Tx,
  roomNid: number,
  position: number,
  depth: number,
): Promise<number | undefined> {
  const [row] = await sql<{ ordinal: number | null }[]>`
    SELECT min(ordinal) AS ordinal FROM events
    WHERE room_nid = ${roomNid} AND position = ${position} AND depth > ${depth} AND status = 0`;
  return row?.ordinal ?? undefined;
}

/** Where a search by time goes on: right behind an event in the direction searched. */
export interface TimePlace {
  readonly originServerTs: number;
  readonly nid: number;
}

/**
 * Events of the timeline by origin_server_ts, from a time on (included) forwards or backwards, the
 * closest first.
 */
export async function eventsByTime(
  sql: Sql | Tx,
  roomNid: number,
  query: { ts: number; dir: "f" | "b"; behind: TimePlace | undefined; limit: number },
): Promise<TimePlace[]> {
  const { ts, behind, limit } = query;
  const columns = sql`event_nid AS nid, origin_server_ts AS "originServerTs"`;
  const placed = sql`room_nid = ${roomNid} AND position IS NOT NULL AND status = 0`;
  if (query.dir === "f") {
    const next =
      behind && sql`AND (origin_server_ts, event_nid) > (${behind.originServerTs}, ${behind.nid})`;
    return sql<TimePlace[]>`
      SELECT ${columns} FROM events WHERE ${placed} AND origin_server_ts >= ${ts} ${next ?? sql``}
      ORDER BY origin_server_ts, event_nid LIMIT ${limit}`;
  }
  const next =
    behind && sql`AND (origin_server_ts, event_nid) < (${behind.originServerTs}, ${behind.nid})`;
  return sql<TimePlace[]>`
    SELECT ${columns} FROM events WHERE ${placed} AND origin_server_ts <= ${ts} ${next ?? sql``}
    ORDER BY origin_server_ts DESC, event_nid DESC LIMIT ${limit}`;
}
