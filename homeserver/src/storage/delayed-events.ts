/** Events that are sent later, and for a while what became of them. */
import type { Sql, Tx } from "./sql.ts";
import { textArray } from "./sql.ts";

/** What is scheduled. */
export interface NewDelayedEvent {
  readonly delayId: string;
  readonly userId: string;
  /** "": an application service without a device. */
  readonly deviceId: string;
  /** Operation, room and type: what the transaction id is unique within. */
  readonly scope: string;
  readonly txnId: string | null;
  readonly roomId: string;
  readonly type: string;
  readonly stateKey: string | null;
  /** JSON. */
  readonly content: string;
  readonly stickyMs: number | null;
  readonly originServerTs: number | null;
  readonly isLimited: boolean;
  readonly delayMs: number;
}

/** A row of delayed_events. Times are ms since 1970. */
export interface DelayedEventRow extends NewDelayedEvent {
  readonly sinceTs: number;
  readonly dueTs: number;
  readonly failures: number;
  /** It has been begun to be sent. */
  readonly isClaimed: boolean;
  readonly finalisedTs: number | null;
  readonly eventId: string | null;
  /** JSON. */
  readonly error: string | null;
}

const columns = (sql: Sql | Tx) => sql`
  delay_id AS "delayId", user_id AS "userId", device_id AS "deviceId", scope, txn_id AS "txnId",
  room_id AS "roomId", type, state_key AS "stateKey", content, sticky_ms AS "stickyMs",
  origin_server_ts AS "originServerTs", is_limited AS "isLimited", delay_ms AS "delayMs",
  since_ts AS "sinceTs", due_ts AS "dueTs", failures, claimed_until IS NOT NULL AS "isClaimed",
  finalised_ts AS "finalisedTs", event_id AS "eventId", error`;

/** How many of a user's events wait, and when the first of them is due (null: none waits). */
export async function countWaiting(
  tx: Tx,
  userId: string,
): Promise<{ count: number; firstDueTs: number | null }> {
  const [row] = await tx<{ count: number; firstDueTs: number | null }[]>`
    SELECT count(*)::int AS count, min(due_ts) AS "firstDueTs" FROM delayed_events
    WHERE user_id = ${userId} AND finalised_ts IS NULL`;
  return row!;
}

export async function findByTransaction(
  tx: Tx,
  key: Pick<NewDelayedEvent, "userId" | "deviceId" | "scope"> & { readonly txnId: string },
): Promise<string | undefined> {
  const [row] = await tx<{ delayId: string }[]>`
    SELECT delay_id AS "delayId" FROM delayed_events
    WHERE user_id = ${key.userId} AND device_id = ${key.deviceId}
      AND scope = ${key.scope} AND txn_id = ${key.txnId}`;
  return row?.delayId;
}

/** Inserts an event that waits from `now` on. */
export async function insertDelayedEvent(
  tx: Tx,
  event: NewDelayedEvent,
  now: number,
): Promise<void> {
  await tx`
    INSERT INTO delayed_events (delay_id, user_id, device_id, scope, txn_id, room_id, type,
      state_key, content, sticky_ms, origin_server_ts, is_limited, delay_ms, since_ts, due_ts)
    VALUES (${event.delayId}, ${event.userId}, ${event.deviceId}, ${event.scope}, ${event.txnId},
      ${event.roomId}, ${event.type}, ${event.stateKey}, ${event.content}, ${event.stickyMs},
      ${event.originServerTs}, ${event.isLimited}, ${event.delayMs}, ${now},
      ${now + event.delayMs})`;
}

export async function findDelayedEvent(
  sql: Sql | Tx,
  delayId: string,
): Promise<DelayedEventRow | undefined> {
  const [row] = await sql<DelayedEventRow[]>`
    SELECT ${columns(sql)} FROM delayed_events WHERE delay_id = ${delayId}`;
  return row;
}

/** A user's events that wait, the first due first. */
export async function waitingOf(sql: Sql, userId: string): Promise<DelayedEventRow[]> {
  return sql<DelayedEventRow[]>`
    SELECT ${columns(sql)} FROM delayed_events
    WHERE user_id = ${userId} AND finalised_ts IS NULL ORDER BY due_ts, delay_id`;
}

/** A user's events that do not wait any more, newest first, those before `before`. */
export async function finalisedOf(
  sql: Sql,
  userId: string,
  before: { readonly ts: number; readonly delayId: string } | undefined,
  limit: number,
): Promise<DelayedEventRow[]> {
  const older =
    before === undefined
      ? sql``
      : sql`AND (finalised_ts, delay_id) < (${before.ts}, ${before.delayId})`;
  return sql<DelayedEventRow[]>`
    SELECT ${columns(sql)} FROM delayed_events
    WHERE user_id = ${userId} AND finalised_ts IS NOT NULL ${older}
    ORDER BY finalised_ts DESC, delay_id DESC LIMIT ${limit}`;
}

/** Lets it wait from `now` on. False: it is being sent, or does not wait any more. */
export async function restartDelayedEvent(
  sql: Sql,
  delayId: string,
  userId: string | undefined,
  now: number,
): Promise<boolean> {
  const result = await sql`
    UPDATE delayed_events SET since_ts = ${now}, due_ts = ${now}::bigint + delay_ms, failures = 0
    WHERE delay_id = ${delayId} AND user_id = coalesce(${userId ?? null}, user_id)
      AND finalised_ts IS NULL AND claimed_until IS NULL`;
  return result.count === 1;
}

/** False: it is being sent, or does not wait any more. */
export async function cancelDelayedEvent(
  sql: Sql,
  delayId: string,
  userId: string | undefined,
  now: number,
): Promise<boolean> {
  const result = await sql`
    UPDATE delayed_events SET finalised_ts = ${now}
    WHERE delay_id = ${delayId} AND user_id = coalesce(${userId ?? null}, user_id)
      AND finalised_ts IS NULL AND claimed_until IS NULL`;
  return result.count === 1;
}

/**
 * Takes events that are due, in their order: nobody else takes them before `until`. Those that were
 * taken before, and of which nothing was heard, are among them.
 */
export async function takeDueEvents(
  sql: Sql,
  {
    now,
    until,
    limit,
    busyRooms,
  }: {
    readonly now: number;
    readonly until: number;
    readonly limit: number;
    /** Ids of rooms that are left out. */
    readonly busyRooms: readonly string[];
  },
): Promise<DelayedEventRow[]> {
  const rows = await sql<DelayedEventRow[]>`
    WITH due AS MATERIALIZED (
      SELECT delay_id AS id FROM delayed_events
      WHERE finalised_ts IS NULL AND due_ts <= ${now}
        AND (claimed_until IS NULL OR claimed_until <= ${now})
        AND room_id <> ALL (${textArray(busyRooms)}::text[])
      ORDER BY due_ts LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    UPDATE delayed_events SET claimed_until = ${until} FROM due WHERE delay_id = due.id
    RETURNING ${columns(sql)}`;
  return rows.sort((a, b) => a.dueTs - b.dueTs);
}

/** Takes one now, before it is due. Undefined: it is being sent, or does not wait any more. */
export async function takeDelayedEvent(
  sql: Sql,
  delayId: string,
  userId: string | undefined,
  { now, until }: { readonly now: number; readonly until: number },
): Promise<DelayedEventRow | undefined> {
  const [row] = await sql<DelayedEventRow[]>`
    UPDATE delayed_events SET claimed_until = ${until}, due_ts = least(due_ts, ${now})
    WHERE delay_id = ${delayId} AND user_id = coalesce(${userId ?? null}, user_id)
      AND finalised_ts IS NULL AND claimed_until IS NULL
    RETURNING ${columns(sql)}`;
  return row;
}

/** It was not sent: it waits on until `dueTs`, or until its own time. */
export async function releaseDelayedEvent(
  sql: Sql,
  delayId: string,
  dueTs: number | undefined,
): Promise<void> {
  await sql`
    UPDATE delayed_events SET claimed_until = NULL,
      due_ts = coalesce(${dueTs ?? null}::bigint, since_ts + delay_ms)
    WHERE delay_id = ${delayId} AND finalised_ts IS NULL`;
}

/** Whether it was sent is not known: it is taken up again at `ts`. */
export async function retryDelayedEvent(sql: Sql, delayId: string, ts: number): Promise<void> {
  await sql`
    UPDATE delayed_events SET claimed_until = ${ts}, failures = failures + 1
    WHERE delay_id = ${delayId} AND finalised_ts IS NULL`;
}

/** These are taken up again at once, here or elsewhere. */
export async function leaveToOthers(
  sql: Sql,
  delayIds: readonly string[],
  now: number,
): Promise<void> {
  await sql`
    UPDATE delayed_events SET claimed_until = ${now}
    WHERE delay_id IN (
      SELECT delay_id FROM delayed_events
      WHERE delay_id = ANY (${textArray(delayIds)}::text[]) AND finalised_ts IS NULL
      ORDER BY delay_id FOR UPDATE)`;
}

/** It was sent as that event, or refused with that error (JSON). */
export async function finaliseDelayedEvent(
  sql: Sql,
  delayId: string,
  now: number,
  outcome: { readonly eventId: string } | { readonly error: string },
): Promise<void> {
  const { eventId, error } = { eventId: null, error: null, ...outcome };
  await sql`
    UPDATE delayed_events SET finalised_ts = ${now}, event_id = ${eventId}, error = ${error}
    WHERE delay_id = ${delayId} AND finalised_ts IS NULL`;
}

/**
 * When the next event is due that nobody is sending, in other rooms than these, ms since 1970;
 * undefined: none waits.
 */
export async function nextDueEvent(
  sql: Sql,
  busyRooms: readonly string[],
): Promise<number | undefined> {
  const [row] = await sql<{ due: number }[]>`
    SELECT due_ts AS due FROM delayed_events
    WHERE finalised_ts IS NULL AND claimed_until IS NULL
      AND room_id <> ALL (${textArray(busyRooms)}::text[])
    ORDER BY due_ts LIMIT 1`;
  return row?.due;
}

/** Deletes what a user has of finalised events beyond the `max` newest. */
export async function keepNewestFinalised(tx: Tx, userId: string, max: number): Promise<void> {
  await tx`
    DELETE FROM delayed_events WHERE delay_id IN (
      SELECT delay_id FROM delayed_events WHERE user_id = ${userId} AND finalised_ts IS NOT NULL
      ORDER BY finalised_ts DESC OFFSET ${max} FOR UPDATE SKIP LOCKED)`;
}

/** Deletes finalised events from before a time, ms since 1970. */
export async function deleteOldFinalised(sql: Sql, before: number): Promise<void> {
  await sql`
    DELETE FROM delayed_events WHERE delay_id IN (
      SELECT delay_id FROM delayed_events WHERE finalised_ts < ${before}
      ORDER BY finalised_ts LIMIT 1000 FOR UPDATE SKIP LOCKED)`;
}

/** Events that devices scheduled end with them, those apart that are being sent. */
export async function cancelOfDevices(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await tx`
    UPDATE delayed_events SET finalised_ts = (extract(epoch FROM now()) * 1000)::bigint,
      error = ${JSON.stringify(DEVICE_IS_GONE)}
    WHERE delay_id IN (
      SELECT delay_id FROM delayed_events
      WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])
        AND finalised_ts IS NULL AND claimed_until IS NULL
      ORDER BY delay_id FOR UPDATE)`;
}

/** The error of events whose device was signed out. */
export const DEVICE_IS_GONE = {
  errcode: "M_UNKNOWN",
  error: "The device that scheduled it was signed out",
} as const;

/** Deletes all of a user's. */
export async function deleteDelayedEventsOf(tx: Tx, userId: string): Promise<void> {
  await tx`DELETE FROM delayed_events WHERE user_id = ${userId}`;
}
