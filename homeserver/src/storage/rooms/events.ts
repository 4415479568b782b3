import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** An event as the room engine reads it. */
export interface EventRow {
  nid: number;
  roomNid: number;
  eventId: string;
  /** Room version of its room. */
  version: string;
  json: string;
  position: number | null;
  ordinal: number;
  /** 0 accepted, 1 soft-failed, 2 rejected. */
  status: number;
  stateBefore: Buffer | null;
  stateAfter: Buffer | null;
  roomState: Buffer | null;
  redactedBy: number | null;
}

function columns(sql: Sql | Tx) {
  return sql`e.event_nid AS nid, e.room_nid AS "roomNid", e.event_id AS "eventId", coalesce(e.version, r.version) AS version,
    e.json, e.position, e.ordinal, e.status, e.state_before AS "stateBefore",
    e.state_after AS "stateAfter", e.room_state AS "roomState", e.redacted_by AS "redactedBy"`;
}

/** Events by nid, in no order. */
export async function eventsByNids(sql: Sql | Tx, nids: readonly number[]): Promise<EventRow[]> {
  return sql<EventRow[]>`
    SELECT ${columns(sql)} FROM events e JOIN rooms r USING (room_nid)
    WHERE e.event_nid = ANY (${numberArray(nids)}::bigint[])`;
}

/** Events by identifier, in no order. */
export async function eventsByIds(sql: Sql | Tx, ids: readonly string[]): Promise<EventRow[]> {
  return sql<EventRow[]>`
    SELECT ${columns(sql)} FROM events e JOIN rooms r USING (room_nid)
    WHERE e.event_id = ANY (${textArray(ids)}::text[])`;
}

/**
 * The room's current state: all of it, or of some types; of m.room.member only `members` when
 * given.
 */
export async function currentStateEvents(
  sql: Sql | Tx,
  roomNid: number,
  types: readonly string[] | undefined,
  members: readonly string[] | undefined,
): Promise<EventRow[]> {
  const ofTypes = types === undefined ? sql`` : sql`AND c.type = ANY (${textArray(types)}::text[])`;
  const ofMembers =
    members === undefined
      ? sql``
      : sql`AND (c.type <> 'm.room.member' OR c.state_key = ANY (${textArray(members)}::text[]))`;
  return sql<EventRow[]>`
    SELECT ${columns(sql)} FROM current_state c JOIN events e USING (event_nid)
    JOIN rooms r ON r.room_nid = c.room_nid
    WHERE c.room_nid = ${roomNid} ${ofTypes} ${ofMembers}`;
}

/** Current state events of exactly these keys in many rooms. */
export async function currentStateOfRooms(
  sql: Sql | Tx,
  roomNids: readonly number[],
  keys: readonly (readonly [type: string, stateKey: string])[],
): Promise<EventRow[]> {
  const types = textArray(keys.map(([type]) => type));
  const stateKeys = textArray(keys.map(([, stateKey]) => stateKey));
  return sql<EventRow[]>`
    SELECT ${columns(sql)}
    FROM unnest(${numberArray(roomNids)}::bigint[]) AS wanted (room_nid)
    CROSS JOIN unnest(${types}::text[], ${stateKeys}::text[]) AS key (type, state_key)
    JOIN current_state c
      ON c.room_nid = wanted.room_nid AND c.type = key.type AND c.state_key = key.state_key
    JOIN events e USING (event_nid)
    JOIN rooms r ON r.room_nid = c.room_nid`;
}

/** Current state events of one type in many rooms, at most `limit` of each room. */
export async function currentStateOfType(
  sql: Sql | Tx,
  roomNids: readonly number[],
  type: string,
  limit: number,
): Promise<EventRow[]> {
  return sql<EventRow[]>`
    SELECT ${columns(sql)}
    FROM unnest(${numberArray(roomNids)}::bigint[]) AS wanted (room_nid)
    CROSS JOIN LATERAL (
      SELECT s.event_nid FROM current_state s
      WHERE s.room_nid = wanted.room_nid AND s.type = ${type}
      ORDER BY s.state_key LIMIT ${limit}) c
    JOIN events e USING (event_nid)
    JOIN rooms r ON r.room_nid = e.room_nid`;
}

/** A user in a room. */
export interface MemberKey {
  readonly roomNid: number;
  readonly userId: string;
}

/** The member events of these users in the current state of these rooms. */
export async function currentMemberEvents(
  sql: Sql | Tx,
  members: readonly MemberKey[],
): Promise<(EventRow & MemberKey)[]> {
  return sql<(EventRow & MemberKey)[]>`
    SELECT ${columns(sql)}, c.state_key AS "userId"
    FROM unnest(${numberArray(members.map(({ roomNid }) => roomNid))}::bigint[],
                ${textArray(members.map(({ userId }) => userId))}::text[])
      AS member (room_nid, user_id)
    JOIN current_state c ON c.room_nid = member.room_nid AND c.type = 'm.room.member'
      AND c.state_key = member.user_id
    JOIN events e USING (event_nid)
    JOIN rooms r ON r.room_nid = c.room_nid`;
}

/** auth_events of each event, as nids. */
export async function authNids(
  sql: Sql | Tx,
  nids: readonly number[],
): Promise<{ nid: number; authNids: number[] }[]> {
  return sql<{ nid: number; authNids: number[] }[]>`
    SELECT event_nid AS nid, auth_nids AS "authNids" FROM events
    WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
}

/** The auth_events of all these events, as nids, each once. */
export async function distinctAuthNids(sql: Sql | Tx, nids: readonly number[]): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    SELECT DISTINCT unnest(auth_nids) AS nid FROM events
    WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
  return rows.map((row) => row.nid);
}

/** PDUs' texts, in no order. */
export async function eventTexts(
  sql: Sql | Tx,
  nids: readonly number[],
): Promise<{ nid: number; json: string }[]> {
  return sql<{ nid: number; json: string }[]>`
    SELECT event_nid AS nid, json FROM events
    WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
}

/** Identifiers of events, in no order. */
export async function eventIdsByNids(sql: Sql | Tx, nids: readonly number[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT event_id AS id FROM events WHERE event_nid = ANY (${numberArray(nids)}::bigint[])`;
  return rows.map((row) => row.id);
}

/** State keys of those events that belong to the room, are state events, and are not rejected. */
export async function stateKeysOfEvents(
  sql: Sql | Tx,
  roomNid: number,
  eventIds: readonly string[],
): Promise<{ nid: number; type: string; stateKey: string }[]> {
  return sql<{ nid: number; type: string; stateKey: string }[]>`
    SELECT event_nid AS nid, type, state_key AS "stateKey" FROM events
    WHERE event_id = ANY (${textArray(eventIds)}::text[]) AND room_nid = ${roomNid}
      AND state_key IS NOT NULL AND status <> 2`;
}

/** An event without its content. */
export interface EventOutline {
  readonly nid: number;
  readonly roomNid: number;
  readonly type: string;
  readonly stateKey: string | null;
  readonly isRejected: boolean;
}

/** Outlines of events by event id; unknown events are absent. */
export async function outlinesOfEvents(
  sql: Sql | Tx,
  eventIds: readonly string[],
): Promise<(EventOutline & { eventId: string })[]> {
  return sql`
    SELECT event_id AS "eventId", event_nid AS nid, room_nid AS "roomNid", type,
      state_key AS "stateKey", status = 2 AS "isRejected"
    FROM events WHERE event_id = ANY (${textArray(eventIds)}::text[])`;
}

/** Rejected events that name this one in auth_events: nids. */
export async function rejectedByAuth(sql: Sql | Tx, nid: number, limit: number): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events
    WHERE status = 2 AND auth_nids @> ${numberArray([nid])}::bigint[]
    ORDER BY event_nid LIMIT ${limit}`;
  return rows.map((row) => row.nid);
}

/**
 * Those of the events (nid, number of its auth events) that lack some of their auth events: nids.
 */
export async function lackingAuth(
  sql: Sql | Tx,
  events: readonly (readonly [nid: number, auth: number])[],
): Promise<number[]> {
  const nids = numberArray(events.map(([nid]) => nid));
  const counts = numberArray(events.map(([, count]) => count));
  const rows = await sql<{ nid: number }[]>`
    SELECT t.nid FROM unnest(${nids}::bigint[], ${counts}::bigint[]) AS t (nid, auth)
    JOIN events e ON e.event_nid = t.nid
    WHERE cardinality(e.auth_nids) < t.auth`;
  return rows.map((row) => row.nid);
}

/**
 * Redactions that were received for these events, applied or not: target → redaction events' nids.
 */
export async function redactionsOf(
  sql: Sql | Tx,
  eventIds: readonly string[],
): Promise<{ target: string; redactionNid: number }[]> {
  return sql<{ target: string; redactionNid: number }[]>`
    SELECT target_event_id AS target, redaction_nid AS "redactionNid" FROM redactions
    WHERE target_event_id = ANY (${textArray(eventIds)}::text[])`;
}

/** A transaction id that an event answered. */
export interface TransactionOfEvent {
  readonly eventId: string;
  readonly txnId: string;
  readonly userId: string;
  readonly deviceId: string;
  /** Operation, room and event type. */
  readonly scope: string;
}

/** The transaction ids that these events answered, of whatever devices. */
export async function transactionsOfEvents(
  sql: Sql | Tx,
  eventIds: readonly string[],
): Promise<TransactionOfEvent[]> {
  return sql<TransactionOfEvent[]>`
    SELECT event_id AS "eventId", txn_id AS "txnId", user_id AS "userId", device_id AS "deviceId",
      scope
    FROM client_transactions WHERE event_id = ANY (${textArray(eventIds)}::text[])`;
}

/** The event that answered a transaction id. */
export async function findTransaction(
  sql: Sql | Tx,
  key: { userId: string; deviceId: string; scope: string; txnId: string },
): Promise<string | undefined> {
  const [row] = await sql<{ eventId: string }[]>`
    SELECT event_id AS "eventId" FROM client_transactions
    WHERE user_id = ${key.userId} AND device_id = ${key.deviceId}
      AND scope = ${key.scope} AND txn_id = ${key.txnId}`;
  return row?.eventId;
}
