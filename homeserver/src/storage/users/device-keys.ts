import { type Sql, textArray, type Tx } from "../sql.ts";

/** Identity keys of a device. */
export interface DeviceKeysRow {
  userId: string;
  deviceId: string;
  /** JSON object text, with the device's own signature alone. */
  keys: string;
}

/** Locks a device until the transaction ends; false if there is none. */
export async function lockDevice(tx: Tx, userId: string, deviceId: string): Promise<boolean> {
  const rows = await tx`
    SELECT 1 FROM devices WHERE user_id = ${userId} AND device_id = ${deviceId} FOR UPDATE`;
  return rows.length === 1;
}

/** The identity keys of a device, as JSON object text. */
export async function findDeviceKeys(
  sql: Sql | Tx,
  userId: string,
  deviceId: string,
): Promise<string | undefined> {
  const [row] = await sql<{ keys: string }[]>`
    SELECT keys FROM device_keys WHERE user_id = ${userId} AND device_id = ${deviceId}`;
  return row?.keys;
}

/**
 * The same, locked until the transaction ends: the device's other keys change under this lock
 * alone.
 */
export async function lockDeviceKeys(
  tx: Tx,
  userId: string,
  deviceId: string,
): Promise<string | undefined> {
  const [row] = await tx<{ keys: string }[]>`
    SELECT keys FROM device_keys WHERE user_id = ${userId} AND device_id = ${deviceId} FOR UPDATE`;
  return row?.keys;
}

/** The identity keys of some of a user's devices, which stay until the transaction ends. */
export async function lockDeviceKeysOf(
  tx: Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<DeviceKeysRow[]> {
  return await tx<DeviceKeysRow[]>`
    SELECT user_id AS "userId", device_id AS "deviceId", keys FROM device_keys
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])
    ORDER BY user_id, device_id FOR SHARE`;
}

/** Writes the identity keys of a device. */
export async function writeDeviceKeys(
  tx: Tx,
  { userId, deviceId, keys }: DeviceKeysRow,
): Promise<void> {
  await tx`
    INSERT INTO device_keys (user_id, device_id, keys) VALUES (${userId}, ${deviceId}, ${keys})
    ON CONFLICT (user_id, device_id) DO UPDATE SET keys = excluded.keys`;
}

/** Deletes all keys of devices, and the signatures on them and by them. */
export async function deleteKeysOfDevices(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  if (deviceIds.length === 0) return;
  const ids = textArray(deviceIds);
  // In the same order as whoever else locks several of them, so that nobody waits for one another.
  await tx`
    WITH locked AS MATERIALIZED (
      SELECT user_id, device_id FROM device_keys
      WHERE user_id = ${userId} AND device_id = ANY (${ids}::text[])
      ORDER BY user_id, device_id FOR UPDATE
    )
    DELETE FROM device_keys k USING locked l
    WHERE k.user_id = l.user_id AND k.device_id = l.device_id`;
  await tx`
    DELETE FROM one_time_keys WHERE user_id = ${userId} AND device_id = ANY (${ids}::text[])`;
  await tx`
    DELETE FROM fallback_keys WHERE user_id = ${userId} AND device_id = ANY (${ids}::text[])`;
  await tx`
    DELETE FROM key_signatures
    WHERE target_id = ${userId} AND signer_id = ${userId}
      AND (target_key = ANY (${ids}::text[])
        OR signer_key = ANY (${textArray(deviceIds.map((id) => `ed25519:${id}`))}::text[]))`;
}
