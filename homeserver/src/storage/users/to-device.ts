/** Messages that wait for devices of this server. They are written by appends (streams/to-device.ts). */
import { numberArray, type Sql, textArray, type Tx } from "../sql.ts";

/** A device of a local user. */
export interface DeviceOfUser {
  readonly userId: string;
  readonly deviceId: string;
}

interface WaitingMessage {
  /** Its log position. */
  readonly position: number;
  /** JSON object text: sender, type and content. */
  readonly message: string;
}

/** Which messages are read. */
export interface WaitingFor extends DeviceOfUser {
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
}

/** The first messages for a device with after < position ≤ upTo, oldest first. */
export async function messagesFor(sql: Sql | Tx, which: WaitingFor): Promise<WaitingMessage[]> {
  const { userId, deviceId, after, upTo, limit } = which;
  return sql<WaitingMessage[]>`
    SELECT position, message FROM to_device_messages
    WHERE user_id = ${userId} AND device_id = ${deviceId}
      AND position > ${after} AND position <= ${upTo}
    ORDER BY position LIMIT ${limit}`;
}

/** A device, and up to which log position its messages have become useless. */
export interface EndOfUse extends DeviceOfUser {
  readonly upTo: number;
}

/**
 * Deletes messages that devices have got, or that were sent to devices that have ended. Rows that
 * another transaction is deleting at this moment are left to it, so that nobody waits.
 */
export async function deleteMessages(sql: Sql | Tx, useless: readonly EndOfUse[]): Promise<void> {
  await sql`
    DELETE FROM to_device_messages WHERE ctid = ANY (ARRAY(
      SELECT m.ctid FROM unnest(
        ${textArray(useless.map(({ userId }) => userId))}::text[],
        ${textArray(useless.map(({ deviceId }) => deviceId))}::text[],
        ${numberArray(useless.map(({ upTo }) => upTo))}::bigint[]
      ) AS d (user_id, device_id, up_to), LATERAL (
        SELECT ctid FROM to_device_messages m
        WHERE m.user_id = d.user_id AND m.device_id = d.device_id AND m.position <= d.up_to
        ORDER BY m.position FOR UPDATE SKIP LOCKED) AS m))`;
}

/** Deletes what waits for devices of a user, which end. */
export async function deleteInboxes(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM to_device_messages
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])`;
}

/** All devices of these users. */
export async function devicesOf(
  sql: Sql | Tx,
  userIds: readonly string[],
): Promise<DeviceOfUser[]> {
  return sql<DeviceOfUser[]>`
    SELECT user_id AS "userId", device_id AS "deviceId" FROM devices
    WHERE user_id = ANY (${textArray(userIds)}::text[])`;
}
