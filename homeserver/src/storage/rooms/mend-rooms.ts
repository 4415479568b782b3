/** Writes of `weft doctor --mend`: in one transaction for each room, while no server runs. */
import { dropReferences } from "../media-references.ts";
import {
  byteaArray,
  numberArray,
  SERVER_CONNECTION,
  type Sql,
  textArray,
  type Tx,
} from "../sql.ts";

/** An event of a room's graph, without its text. */
export interface GraphRow {
  readonly nid: number;
  readonly eventId: string;
  readonly prevEventIds: string[];
  readonly authNids: number[];
  readonly isInGraph: boolean;
}

/** Blocks appends to the log until the transaction ends. @returns the epoch of new state nodes */
export async function holdLog(tx: Tx): Promise<number> {
  const [row] = await tx<{ epoch: number }[]>`SELECT epoch FROM log_head FOR UPDATE`;
  if (row === undefined) throw new Error("log_head has no row: the database is not migrated");
  return row.epoch;
}

/** The number of database connections of running servers. */
export async function serverConnections(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN (${SERVER_CONNECTION}, 'weft log')`;
  return row?.count ?? 0;
}

/** All of the room's events, in no order. */
export async function graphOf(tx: Tx, roomNid: number): Promise<GraphRow[]> {
  return tx<GraphRow[]>`
    SELECT event_nid AS nid, event_id AS "eventId", prev_event_ids AS "prevEventIds",
      auth_nids AS "authNids", position IS NOT NULL OR state_after IS NOT NULL AS "isInGraph"
    FROM events WHERE room_nid = ${roomNid}`;
}

export async function deleteEvents(tx: Tx, nids: readonly number[]): Promise<void> {
  await tx`DELETE FROM events WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
  await dropReferences(tx, nids);
}

export interface ColumnsRow {
  readonly nid: number;
  readonly type: string;
  readonly stateKey: string | null;
  readonly sender: string;
  readonly depth: number;
  readonly prevEventIds: readonly string[];
}

/** Writes the columns that repeat parts of the events' JSON. */
export async function writeColumns(tx: Tx, rows: readonly ColumnsRow[]): Promise<void> {
  await tx`
    UPDATE events e SET type = t.type, state_key = t.state_key, sender = t.sender, depth = t.depth,
      prev_event_ids = t.prev::text[]
    FROM unnest(${numberArray(rows.map((row) => row.nid))}::bigint[],
      ${textArray(rows.map((row) => row.type))}::text[],
      ${textArray(rows.map((row) => row.stateKey))}::text[],
      ${textArray(rows.map((row) => row.sender))}::text[],
      ${numberArray(rows.map((row) => row.depth))}::bigint[],
      ${textArray(rows.map((row) => textArray(row.prevEventIds)))}::text[]
    ) AS t (nid, type, state_key, sender, depth, prev) WHERE e.event_nid = t.nid`;
}

export async function writeAuthNids(
  tx: Tx,
  rows: readonly { readonly nid: number; readonly authNids: readonly number[] }[],
): Promise<void> {
  await tx`
    UPDATE events e SET auth_nids = t.auth::bigint[]
    FROM unnest(${numberArray(rows.map((row) => row.nid))}::bigint[],
      ${textArray(rows.map((row) => numberArray(row.authNids)))}::text[]) AS t (nid, auth)
    WHERE e.event_nid = t.nid`;
}

export async function writeNodes(
  tx: Tx,
  nodes: readonly { readonly hash: Buffer; readonly data: Buffer }[],
  epoch: number,
): Promise<void> {
  await tx`
    INSERT INTO state_nodes AS s (hash, data, epoch)
    SELECT DISTINCT ON (t.hash) t.hash, t.data, ${epoch}::int
    FROM unnest(${byteaArray(nodes.map((node) => node.hash))}::bytea[],
      ${byteaArray(nodes.map((node) => node.data))}::bytea[]) AS t (hash, data)
    ON CONFLICT (hash) DO UPDATE SET epoch = excluded.epoch WHERE s.epoch < excluded.epoch`;
}

export interface MendedStateRow {
  readonly nid: number;
  /** 0 accepted, 1 soft-failed, 2 rejected. */
  readonly status: number;
  /** The reason, when it is not accepted any more; null: unchanged. */
  readonly reason: string | null;
  readonly stateBefore: Buffer | null;
  readonly stateAfter: Buffer | null;
}

export async function writeStates(tx: Tx, rows: readonly MendedStateRow[]): Promise<void> {
  await tx`
    UPDATE events e SET status = t.status, state_before = t.before, state_after = t.after,
      reason = CASE WHEN t.status = 0 THEN NULL ELSE coalesce(t.reason, e.reason) END
    FROM unnest(${numberArray(rows.map((row) => row.nid))}::bigint[],
      ${numberArray(rows.map((row) => row.status))}::int[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${byteaArray(rows.map((row) => row.stateBefore))}::bytea[],
      ${byteaArray(rows.map((row) => row.stateAfter))}::bytea[]
    ) AS t (nid, status, reason, before, after) WHERE e.event_nid = t.nid`;
}

/** Rooms' current states as they were after events. */
export async function writeRoomStates(
  tx: Tx,
  rows: readonly { readonly nid: number; readonly roomState: Buffer | null }[],
): Promise<void> {
  await tx`
    UPDATE events e SET room_state = t.state
    FROM unnest(${numberArray(rows.map((row) => row.nid))}::bigint[],
      ${byteaArray(rows.map((row) => row.roomState))}::bytea[]) AS t (nid, state)
    WHERE e.event_nid = t.nid`;
}

/** Gives events consecutive log positions, as live ones. */
export async function writePositions(
  tx: Tx,
  nids: readonly number[],
  first: number,
): Promise<void> {
  await tx`
    UPDATE events e SET position = ${first}::bigint + t.i - 1, ordinal = 0
    FROM unnest(${numberArray(nids)}::bigint[]) WITH ORDINALITY AS t (nid, i)
    WHERE e.event_nid = t.nid`;
}

/** State events of a key that were not rejected: candidates for a state's entry. */
export async function eventsOfKey(
  tx: Tx,
  roomNid: number,
  type: string,
  stateKey: string,
): Promise<{ nid: number; eventId: string; depth: number }[]> {
  return tx<{ nid: number; eventId: string; depth: number }[]>`
    SELECT event_nid AS nid, event_id AS "eventId", depth FROM events
    WHERE room_nid = ${roomNid} AND type = ${type} AND state_key = ${stateKey} AND status <> 2
    ORDER BY event_nid`;
}

/** The state keys of events; absent for those that are none, or not of the room. */
export async function keysOfEvents(
  tx: Tx,
  roomNid: number,
  nids: readonly number[],
): Promise<{ nid: number; type: string; stateKey: string }[]> {
  return tx<{ nid: number; type: string; stateKey: string }[]>`
    SELECT event_nid AS nid, type, state_key AS "stateKey" FROM events
    WHERE room_nid = ${roomNid} AND state_key IS NOT NULL
      AND event_nid = ANY (${numberArray(nids)}::bigint[])`;
}

export async function writeHead(
  tx: Tx,
  roomNid: number,
  head: {
    readonly version: number;
    readonly extremities: readonly number[];
    readonly stateRoot: Buffer | null;
    readonly depth: number;
  },
): Promise<void> {
  await tx`
    UPDATE room_heads SET version = ${head.version}, state_root = ${head.stateRoot},
      extremities = ${numberArray(head.extremities)}::bigint[], depth = ${head.depth}
    WHERE room_nid = ${roomNid}`;
}

export async function writeCurrentState(
  tx: Tx,
  roomNid: number,
  rows: readonly { readonly type: string; readonly stateKey: string; readonly nid: number }[],
): Promise<void> {
  await tx`
    INSERT INTO current_state (room_nid, type, state_key, event_nid)
    SELECT ${roomNid}::bigint, t.type, t.state_key, t.nid
    FROM unnest(${textArray(rows.map((row) => row.type))}::text[],
      ${textArray(rows.map((row) => row.stateKey))}::text[],
      ${numberArray(rows.map((row) => row.nid))}::bigint[]) AS t (type, state_key, nid)
    ON CONFLICT (room_nid, type, state_key) DO UPDATE SET event_nid = excluded.event_nid`;
}

export async function deleteCurrentState(
  tx: Tx,
  roomNid: number,
  keys: readonly (readonly [type: string, stateKey: string])[],
): Promise<void> {
  await tx`
    DELETE FROM current_state c
    USING unnest(${textArray(keys.map(([type]) => type))}::text[],
      ${textArray(keys.map(([, stateKey]) => stateKey))}::text[]) AS t (type, state_key)
    WHERE c.room_nid = ${roomNid} AND c.type = t.type AND c.state_key = t.state_key`;
}

export interface MembershipRow {
  readonly userId: string;
  readonly server: string;
  readonly membership: string;
  readonly nid: number;
}

export async function writeMemberships(
  tx: Tx,
  roomNid: number,
  rows: readonly MembershipRow[],
  position: number,
): Promise<void> {
  const out = rows.filter(({ membership }) => membership !== "join");
  await endStays(
    tx,
    roomNid,
    out.map(({ userId }) => userId),
    position,
  );
  await tx`
    INSERT INTO memberships AS m
      (room_nid, user_id, server, membership, event_nid, position, joined_at)
    SELECT ${roomNid}::bigint, t.user_id, t.server, t.membership, t.nid, ${position}::bigint,
      ${position}::bigint
    FROM unnest(${textArray(rows.map((row) => row.userId))}::text[],
      ${textArray(rows.map((row) => row.server))}::text[],
      ${textArray(rows.map((row) => row.membership))}::text[],
      ${numberArray(rows.map((row) => row.nid))}::bigint[]) AS t (user_id, server, membership, nid)
    ON CONFLICT (room_nid, user_id) DO UPDATE SET membership = excluded.membership,
      event_nid = excluded.event_nid, position = excluded.position,
      joined_at = CASE WHEN m.membership = 'join' THEN m.joined_at ELSE excluded.joined_at END,
      forgotten = m.forgotten AND excluded.membership IN ('leave', 'ban')`;
}

/** Notes when users were joined who are not any more. */
async function endStays(
  tx: Tx,
  roomNid: number,
  userIds: readonly string[],
  position: number,
): Promise<void> {
  await tx`
    INSERT INTO past_stays (user_id, room_nid, joined_at, left_at)
    SELECT user_id, room_nid, joined_at, ${position} FROM memberships
    WHERE room_nid = ${roomNid} AND user_id = ANY (${textArray(userIds)}::text[])
      AND membership = 'join' AND joined_at < ${position}
    ORDER BY user_id ON CONFLICT DO NOTHING`;
}

/** Marks members as out whom the current state does not contain. */
export async function putOut(
  tx: Tx,
  roomNid: number,
  userIds: readonly string[],
  position: number,
): Promise<void> {
  await endStays(tx, roomNid, userIds, position);
  await tx`
    UPDATE memberships SET membership = 'leave', position = ${position}
    WHERE room_nid = ${roomNid} AND user_id = ANY (${textArray(userIds)}::text[])`;
}

export interface RedactedRow {
  readonly eventId: string;
  readonly json: string;
  readonly redactionNid: number;
}

export async function writeRedactions(tx: Tx, rows: readonly RedactedRow[]): Promise<void> {
  await tx`
    UPDATE events e SET json = t.json, redacted_by = t.nid, relates_to = NULL, rel_type = NULL
    FROM unnest(${textArray(rows.map((row) => row.eventId))}::text[],
      ${textArray(rows.map((row) => row.json))}::text[],
      ${numberArray(rows.map((row) => row.redactionNid))}::bigint[]) AS t (event_id, json, nid)
    WHERE e.event_id = t.event_id`;
}

/** Stages events: the server adds them when it starts. `now` is ms since 1970. */
export async function stageEvents(
  tx: Tx,
  roomNid: number,
  events: readonly { readonly eventId: string; readonly origin: string; readonly json: string }[],
  now: number,
): Promise<void> {
  await tx`
    INSERT INTO staged_events (event_id, room_nid, origin, json, received_ts, next_try)
    SELECT t.event_id, ${roomNid}::bigint, t.origin, t.json, ${now}::bigint, 0
    FROM unnest(${textArray(events.map((event) => event.eventId))}::text[],
      ${textArray(events.map((event) => event.origin))}::text[],
      ${textArray(events.map((event) => event.json))}::text[]) AS t (event_id, origin, json)
    ON CONFLICT (event_id) DO NOTHING`;
}

/**
 * Records missing prev events, so that the server fetches them; not where history was purged.
 * Returns how many.
 */
export async function noteGaps(tx: Tx, roomNid: number): Promise<number> {
  const { count } = await tx`
    INSERT INTO missing_events (room_nid, event_id, child_nid)
    SELECT e.room_nid, id, e.event_nid FROM events e JOIN rooms r USING (room_nid),
      unnest(e.prev_event_ids) AS id
    WHERE e.room_nid = ${roomNid} AND r.purged_depth IS NULL AND e.status = 0
      AND e.position IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events p WHERE p.event_id = id)
    ON CONFLICT DO NOTHING`;
  return count;
}

/** Takes positions of the log. @returns the first one */
export async function takePositions(tx: Tx, count: number): Promise<number> {
  const [row] = await tx<{ first: number }[]>`
    UPDATE log_head SET position = position + ${count} RETURNING position - ${count} + 1 AS first`;
  return row!.first;
}

/** Records in the log that the room's states have changed. */
export async function tellRestated(
  tx: Tx,
  roomNid: number,
  nid: number,
  position: number,
): Promise<void> {
  await tx`
    INSERT INTO partial_rooms (room_nid, join_nid, servers, fetched, complete, position)
    VALUES (${roomNid}, ${nid}, '{}', true, true, ${position})
    ON CONFLICT (room_nid) DO UPDATE SET position = excluded.position`;
}
