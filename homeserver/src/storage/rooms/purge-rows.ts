/** Deletes rooms, and their history, from the tables in bounded steps. */
import type { JsonObject } from "../../protocol/json.ts";
import { dropReferences } from "../media-references.ts";
import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

interface Place {
  readonly position: number;
  readonly ordinal: number;
}

interface DoomedRow {
  nid: number;
  eventId: string;
  /** JSON of redactions, whose targets are noted elsewhere. */
  redaction: string | null;
  kept: boolean;
}

const doomedColumns = (sql: Sql | Tx) => sql`
  e.event_nid AS nid, e.event_id AS "eventId",
  CASE WHEN e.type = 'm.room.redaction' THEN e.json END AS redaction`;

/**
 * The passes of a history purge: accepted events before the place, by the timeline's index, which
 * processed ones leave; the few others before it; messages outside the graph, which an earlier
 * purge kept or which came late.
 */
export const HISTORY_PASSES = ["timeline", "others", "unplaced"] as const;
type HistoryPass = (typeof HISTORY_PASSES)[number];

/** When messages live that were sent between two moments, and have not ended. (ms since 1970) */
export interface Living {
  readonly since: number;
  readonly until: number;
}

interface HistoryOptions {
  readonly before: Place;
  readonly keepServer: string | undefined;
  /** These messages stay where they are; undefined: none does. */
  readonly living: Living | undefined;
  readonly limit: number;
  readonly pass: HistoryPass;
}

/**
 * Takes the next events before a place out of the timeline: messages are deleted; state (and with
 * `keepServer` that server's users' events) is kept outside of it. Forward extremities stay where
 * they are. Returns how many events it was.
 */
export async function purgeHistory(
  tx: Tx,
  roomNid: number,
  { before, keepServer, living, limit, pass }: HistoryOptions,
): Promise<number> {
  const ours =
    keepServer === undefined
      ? tx`false`
      : tx`substr(e.sender, strpos(e.sender, ':') + 1) = ${keepServer}`;
  const isBefore = tx`(e.position, e.ordinal) < (${before.position}, ${before.ordinal})`;
  const lives =
    living === undefined
      ? tx`false`
      : tx`e.state_key IS NULL AND e.origin_server_ts BETWEEN ${living.since} AND ${living.until}`;
  const wanted = {
    timeline: tx`e.position IS NOT NULL AND e.status = 0 AND ${isBefore}`,
    others: tx`e.position IS NOT NULL AND e.status <> 0 AND ${isBefore}`,
    unplaced: tx`e.position IS NULL AND e.status = 0 AND e.state_key IS NULL AND NOT ${ours}`,
  }[pass];
  const order = pass === "timeline" ? tx`ORDER BY e.position, e.ordinal` : tx``;
  const rows = await tx<DoomedRow[]>`
    SELECT ${doomedColumns(tx)}, e.state_key IS NOT NULL OR ${ours} AS kept FROM events e
    WHERE e.room_nid = ${roomNid} AND ${wanted} AND NOT (${lives})
      AND NOT EXISTS (SELECT 1 FROM room_heads h
                      WHERE h.room_nid = e.room_nid AND e.event_nid = ANY (h.extremities))
    ${order} LIMIT ${limit}`;
  if (rows.length === 0) return 0;
  const kept = rows.filter((row) => row.kept).map((row) => row.nid);
  const all = numberArray(rows.map((row) => row.nid));
  await deleteEvents(
    tx,
    rows.filter((row) => !row.kept),
  );
  await tx`
    UPDATE events SET position = NULL, ordinal = 0
    WHERE event_nid = ANY (${numberArray(kept)}::bigint[])`;
  await tx`
    DELETE FROM missing_events
    WHERE room_nid = ${roomNid} AND child_nid = ANY (${all}::bigint[])`;
  return rows.length;
}

/**
 * Removes the record of what is missing before an event, and before older ones; but not before those
 * that live.
 */
export async function closeGaps(
  sql: Sql | Tx,
  roomNid: number,
  upTo: Place,
  living: Living | undefined,
): Promise<void> {
  const { since, until } = living ?? { since: 1, until: 0 };
  await sql`
    DELETE FROM missing_events m USING events e
    WHERE m.room_nid = ${roomNid} AND e.event_nid = m.child_nid
      AND NOT e.origin_server_ts BETWEEN ${since} AND ${until}
      AND (e.position IS NULL OR (e.position, e.ordinal) <= (${upTo.position}, ${upTo.ordinal}))`;
}

/**
 * Notes that history is being deleted, and the depth of it: events up to it that arrive again count
 * as old.
 */
export async function notePurgeBegun(sql: Sql | Tx, roomNid: number, from: Place): Promise<void> {
  await sql`
    UPDATE rooms SET purge_begun = true, purged_depth = (
      SELECT min(depth) - 1 FROM events
      WHERE room_nid = ${roomNid} AND position IS NOT NULL AND status = 0
        AND (position, ordinal) >= (${from.position}, ${from.ordinal}))
    WHERE room_nid = ${roomNid}`;
}

/** Everybody knows that history was deleted. */
export async function notePurgeEnded(sql: Sql | Tx, roomNid: number): Promise<void> {
  await sql`UPDATE rooms SET purge_begun = false WHERE room_nid = ${roomNid}`;
}

/** Tables that hold rows of a room besides its events. */
export const ROOM_TABLES = [
  ...["missing_events", "current_state", "stripped_rooms", "receipts", "staged_events"],
  "partial_rooms",
  "events_to_rejudge",
  ...["partial_rooms", "published_rooms", "room_heads", "arrived_history"],
  ...["network_rooms", "open_rooms", "searchable_events", "joins_under_way"],
  ...["thread_subscriptions", "media_references", "cascade_redactions", "cascade_queue"],
  ...[
    "thread_subscriptions",
    "sticky_events",
    "sticky_owed",
    "room_stats",
    "room_closures",
    "room_sizes",
    "room_upgrades",
  ],
] as const;

/** Deletes the next rows of a room, of one table after another; 0 when nothing is left. */
export async function purgeRoom(tx: Tx, roomNid: number, limit: number): Promise<number> {
  const rows = await tx<DoomedRow[]>`
    SELECT ${doomedColumns(tx)}, false AS kept FROM events e WHERE e.room_nid = ${roomNid}
    LIMIT ${limit}`;
  if (rows.length > 0) {
    await deleteEvents(tx, rows);
    return rows.length;
  }
  for (const table of ROOM_TABLES) {
    const { count } = await tx`
      DELETE FROM ${tx(table)} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${tx(table)} WHERE room_nid = ${roomNid} LIMIT ${limit}))`;
    if (count > 0) return count;
  }
  return purgeMembers(tx, roomNid, limit);
}

/**
 * Memberships, and what their users noted of the room for themselves. When they were joined stays
 * known (`forgetPurges`): those who shared the room with a local user are told that it is so no
 * longer.
 */
async function purgeMembers(tx: Tx, roomNid: number, limit: number): Promise<number> {
  const rows = await tx<{ userId: string }[]>`
    WITH gone AS (
      DELETE FROM memberships WHERE room_nid = ${roomNid} AND user_id = ANY (ARRAY(
        SELECT user_id FROM memberships WHERE room_nid = ${roomNid} LIMIT ${limit}))
      RETURNING user_id, room_nid, membership, joined_at),
    past AS (
      INSERT INTO past_stays (user_id, room_nid, joined_at, left_at)
      SELECT g.user_id, g.room_nid, g.joined_at, h.position + 1 FROM gone g, log_head h
      WHERE g.membership = 'join' ORDER BY g.user_id ON CONFLICT DO NOTHING)
    SELECT user_id AS "userId" FROM gone`;
  if (rows.length === 0) return 0;
  const users = textArray(rows.map((row) => row.userId));
  await tx`
    DELETE FROM account_data WHERE user_id = ANY (${users}::text[]) AND room_nid = ${roomNid}`;
  return rows.length;
}

/** The room's name and aliases go last: an interrupted purge finds the rest by its nid. */
export async function forgetRoom(tx: Tx, roomNid: number, roomId: string): Promise<void> {
  await tx`DELETE FROM room_aliases WHERE room_id = ${roomId}`;
  await tx`DELETE FROM rooms WHERE room_nid = ${roomNid}`;
}

async function deleteEvents(tx: Tx, rows: readonly DoomedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const targets = rows.flatMap(({ nid, redaction }) => {
    const target = redaction === null ? undefined : redactedBy(redaction);
    return target === undefined ? [] : [{ nid, target }];
  });
  const ids = textArray(rows.map((row) => row.eventId));
  await tx`
    DELETE FROM redactions r USING unnest(
      ${textArray(targets.map((row) => row.target))}::text[],
      ${numberArray(targets.map((row) => row.nid))}::bigint[]) AS doomed (target, nid)
    WHERE r.target_event_id = doomed.target AND r.redaction_nid = doomed.nid`;
  await tx`DELETE FROM redactions WHERE target_event_id = ANY (${ids}::text[])`;
  await tx`DELETE FROM client_transactions WHERE event_id = ANY (${ids}::text[])`;
  const nids = rows.map((row) => row.nid);
  await tx`DELETE FROM events WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
  await dropReferences(tx, nids);
}

/** What a stored redaction names, wherever its room's version has it. */
function redactedBy(json: string): string | undefined {
  const { redacts, content } = JSON.parse(json) as {
    redacts?: unknown;
    content?: { redacts?: unknown };
  };
  const target = redacts ?? content?.redacts;
  return typeof target === "string" ? target : undefined;
}

/** Local users who are in a room, are invited to it or knock on it. */
export async function localMembers(
  sql: Sql | Tx,
  roomNid: number,
  server: string,
): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM memberships
    WHERE room_nid = ${roomNid} AND server = ${server} AND membership IN ('join', 'invite', 'knock')
    ORDER BY position, user_id`;
  return rows.map((row) => row.userId);
}

// --- messages that have ended -------------------------------------------------------------------

/** Contents of state of these types with an empty state key, in the order of the types. */
export async function currentContents(
  sql: Sql,
  types: readonly string[],
): Promise<{ roomNid: number; content: JsonObject }[]> {
  const rows = await sql<{ roomNid: number; json: string }[]>`
    SELECT s.room_nid AS "roomNid", e.json
    FROM current_state s JOIN events e USING (event_nid)
    WHERE s.type = ANY (${textArray(types)}::text[]) AND s.type <> 'm.room.member' AND s.state_key = ''
    ORDER BY array_position(${textArray(types)}::text[], s.type)`;
  return rows.map(({ roomNid, json }) => {
    const { content } = JSON.parse(json) as { content: JsonObject };
    return { roomNid, content };
  });
}

/** The next rooms by nid, after one, and whether a purge of their history has begun and not ended. */
export async function roomsAfter(sql: Sql, after: number, limit: number) {
  return await sql<{ nid: number; roomId: string; isBegun: boolean }[]>`
    SELECT room_nid AS nid, room_id AS "roomId", purge_begun AS "isBegun" FROM rooms
    WHERE room_nid > ${after} ORDER BY room_nid LIMIT ${limit}`;
}

/** Whether the timeline has a message from before a moment (ms since 1970). */
export async function hasMessageBefore(sql: Sql, roomNid: number, ts: number): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM events
    WHERE room_nid = ${roomNid} AND origin_server_ts < ${ts}
      AND position IS NOT NULL AND state_key IS NULL
    LIMIT 1`;
  return rows.length > 0;
}

/**
 * The first place in the timeline with a message that lives, or with an event as young before which
 * some are missing: those may live, too. Else the last place. Undefined for an empty timeline.
 */
export async function firstLivingPlace(sql: Sql, roomNid: number, { since, until }: Living) {
  const [living] = await sql<Place[]>`
    SELECT position, ordinal FROM events e
    WHERE room_nid = ${roomNid} AND position IS NOT NULL AND status = 0
      AND origin_server_ts BETWEEN ${since} AND ${until}
      AND (state_key IS NULL OR EXISTS (SELECT 1 FROM missing_events m
        WHERE m.room_nid = e.room_nid AND m.child_nid = e.event_nid))
    ORDER BY position, ordinal LIMIT 1`;
  if (living !== undefined) return living;
  const [last] = await sql<Place[]>`
    SELECT position, ordinal FROM events
    WHERE room_nid = ${roomNid} AND position IS NOT NULL AND status = 0
    ORDER BY position DESC, ordinal DESC LIMIT 1`;
  return last;
}

/** Whether a purge up to a place would delete a message: those that events still have to name stay. */
export async function hasEndedInFront(
  sql: Sql,
  roomNid: number,
  place: Place,
  { since, until }: Living,
): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM events e
    WHERE e.room_nid = ${roomNid} AND e.position IS NOT NULL AND e.state_key IS NULL
      AND NOT e.origin_server_ts BETWEEN ${since} AND ${until}
      AND (e.position, e.ordinal) < (${place.position}, ${place.ordinal})
      AND NOT EXISTS (SELECT 1 FROM room_heads h
                      WHERE h.room_nid = e.room_nid AND e.event_nid = ANY (h.extremities))
    LIMIT 1`;
  return rows.length > 0;
}
