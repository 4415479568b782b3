/** Keeps what waits for devices, and what tells repeated requests, within bounds. */
import { type Sql, textArray, type Tx } from "../sql.ts";
import type { DeviceOfUser } from "./to-device.ts";

/** Each message counts with this many bytes more: its row, and entries of indexes. */
const OVERHEAD_BYTES = 1024;

export interface InboxSize extends DeviceOfUser {
  /** Bytes of all messages that wait, each with the overhead. */
  readonly bytes: number;
  /** The device exists. */
  readonly exists: boolean;
}

/** How much waits for devices, whether they exist or not. */
export async function inboxSizes(
  sql: Sql | Tx,
  devices: readonly DeviceOfUser[],
): Promise<InboxSize[]> {
  return sql<InboxSize[]>`
    SELECT g.user_id AS "userId", g.device_id AS "deviceId",
      EXISTS (SELECT FROM devices d
        WHERE d.user_id = g.user_id AND d.device_id = g.device_id) AS exists,
      (SELECT coalesce(sum(octet_length(m.message) + ${OVERHEAD_BYTES}::int), 0)::bigint
        FROM to_device_messages m
        WHERE m.user_id = g.user_id AND m.device_id = g.device_id) AS bytes
    FROM unnest(
      ${textArray(devices.map(({ userId }) => userId))}::text[],
      ${textArray(devices.map(({ deviceId }) => deviceId))}::text[]
    ) AS g (user_id, device_id)`;
}

/**
 * Deletes of a device's messages what is least useful and oldest, so that `bytes` stay. What can be
 * asked for again, or was meant for a moment, goes first; what brings keys goes last. In between,
 * whoever sent most loses first, so that nobody can push out what others sent. Returns how many
 * messages were deleted.
 */
export async function trimInbox(
  sql: Sql | Tx,
  { userId, deviceId }: DeviceOfUser,
  bytes: number,
): Promise<number> {
  const result = await sql`
    WITH waiting AS (
      SELECT position, octet_length(message) + ${OVERHEAD_BYTES}::int AS bytes,
        regexp_match(left(message, 1200), ${SENDER_AND_TYPE}) AS head
      FROM to_device_messages WHERE user_id = ${userId} AND device_id = ${deviceId}
    ), ranked AS (
      SELECT position, bytes, head[1] AS sender,
        CASE
          WHEN head[2] = ANY (${textArray(KEYS)}::text[]) THEN 0
          WHEN head[2] = ANY (${textArray(PASSING)}::text[]) OR head[2] LIKE 'm.key.verification.%' THEN 2
          ELSE 1
        END AS rank
      FROM waiting
    ), by_sender AS (
      SELECT position, bytes, rank,
        sum(bytes) OVER (PARTITION BY rank, sender ORDER BY position DESC) AS of_sender
      FROM ranked
    ), summed AS (
      SELECT position, sum(bytes) OVER (ORDER BY rank, of_sender, position DESC) AS total
      FROM by_sender
    )
    DELETE FROM to_device_messages WHERE position = ANY (ARRAY(
      SELECT position FROM to_device_messages
      WHERE position = ANY (ARRAY(SELECT position FROM summed WHERE total > ${bytes}))
      ORDER BY position FOR UPDATE SKIP LOCKED))`;
  return result.count;
}

/** Bytes of all messages that wait for other servers, each with the overhead. */
export async function outboxSize(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    SELECT coalesce(sum(octet_length(content) + ${OVERHEAD_BYTES}::int), 0)::bigint AS bytes
    FROM to_device_outbound`;
  return row?.bytes ?? 0;
}

/**
 * Deletes of the messages for other servers so many that `bytes` stay: the oldest of whoever sent
 * most. Returns how many were deleted.
 */
export async function trimOutbox(sql: Sql | Tx, bytes: number): Promise<number> {
  const result = await sql`
    WITH waiting AS (
      SELECT position, octet_length(content) + ${OVERHEAD_BYTES}::int AS bytes,
        regexp_match(left(content, 1200), ${SENDER_AND_TYPE}) AS head
      FROM to_device_outbound
    ), by_sender AS (
      SELECT position, bytes,
        sum(bytes) OVER (PARTITION BY head[1] ORDER BY position DESC) AS of_sender
      FROM waiting
    ), summed AS (
      SELECT position, sum(bytes) OVER (ORDER BY of_sender, position DESC) AS total
      FROM by_sender
    )
    DELETE FROM to_device_outbound WHERE position = ANY (ARRAY(
      SELECT position FROM to_device_outbound
      WHERE position = ANY (ARRAY(SELECT position FROM summed WHERE total > ${bytes}))
      ORDER BY position FOR UPDATE SKIP LOCKED))`;
  return result.count;
}

/** The first two strings of a message's text, as JSON has them. */
const SENDER_AND_TYPE = String.raw`^{"sender":"((?:[^"\\]|\\.)*)","type":"((?:[^"\\]|\\.)*)"`;
/** Messages that bring keys, in the clear or not: most are encrypted and look alike. */
const KEYS = ["m.room.encrypted", "m.room_key", "m.forwarded_room_key", "m.secret.send"];
/** Messages that are worth nothing after a while; verifications, too. */
const PASSING = ["m.room_key_request", "m.secret.request", "m.dummy", "m.room_key.withheld"];

/** Up to `limit` devices after the given one, in order, for which something waits. */
export async function devicesWithMessages(
  sql: Sql | Tx,
  after: DeviceOfUser,
  limit: number,
): Promise<(DeviceOfUser & { exists: boolean })[]> {
  return sql<(DeviceOfUser & { exists: boolean })[]>`
    WITH RECURSIVE each AS (
      (SELECT user_id, device_id, 1 AS n FROM to_device_messages
        WHERE (user_id, device_id) > (${after.userId}, ${after.deviceId})
        ORDER BY user_id, device_id LIMIT 1)
      UNION ALL
      (SELECT m.user_id, m.device_id, e.n + 1 FROM each e, LATERAL (
        SELECT user_id, device_id FROM to_device_messages
        WHERE (user_id, device_id) > (e.user_id, e.device_id)
        ORDER BY user_id, device_id LIMIT 1) AS m
        WHERE e.n < ${limit})
    )
    SELECT e.user_id AS "userId", e.device_id AS "deviceId", EXISTS (
      SELECT FROM devices d WHERE d.user_id = e.user_id AND d.device_id = e.device_id) AS exists
    FROM each e ORDER BY e.n`;
}

/**
 * Forgets up to `limit` requests and EDUs with messages for devices: those before a time (ms since
 * 1970), and beyond the newest `kept`. Returns how many.
 */
export async function forgetOldTransactions(
  sql: Sql | Tx,
  { before, kept, limit }: { before: number; kept: number; limit: number },
): Promise<number> {
  const result = await sql`
    DELETE FROM client_transactions WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM client_transactions WHERE event_id = '' AND created_ts < greatest(${before}, (
        SELECT created_ts FROM client_transactions WHERE event_id = ''
        ORDER BY created_ts DESC OFFSET ${kept} LIMIT 1))
      ORDER BY created_ts LIMIT ${limit} FOR UPDATE SKIP LOCKED))`;
  return result.count;
}
