import { type Sql, textArray, type Tx } from "../sql.ts";

interface DehydratedDeviceRow {
  deviceId: string;
  /** JSON object text. */
  deviceData: string;
}

/** The dehydrated device of a user. */
export async function findDehydratedDevice(
  sql: Sql | Tx,
  userId: string,
): Promise<DehydratedDeviceRow | undefined> {
  const [row] = await sql<DehydratedDeviceRow[]>`
    SELECT device_id AS "deviceId", device_data AS "deviceData"
    FROM dehydrated_devices WHERE user_id = ${userId}`;
  return row;
}

/** The same, locked until the transaction ends. */
export async function lockDehydratedDevice(tx: Tx, userId: string): Promise<string | undefined> {
  const [row] = await tx<{ deviceId: string }[]>`
    SELECT device_id AS "deviceId" FROM dehydrated_devices WHERE user_id = ${userId} FOR UPDATE`;
  return row?.deviceId;
}

/** Writes the dehydrated device of a user who has none. Its row in devices is written besides. */
export async function insertDehydratedDevice(
  tx: Tx,
  userId: string,
  { deviceId, deviceData }: DehydratedDeviceRow,
): Promise<void> {
  await tx`
    INSERT INTO dehydrated_devices (user_id, device_id, device_data)
    VALUES (${userId}, ${deviceId}, ${deviceData})`;
}

/** Deletes the rows of dehydrated devices that have ended. */
export async function deleteDehydratedDevices(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await tx`
    DELETE FROM dehydrated_devices
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])`;
}
