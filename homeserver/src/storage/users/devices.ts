import { cancelOfDevices } from "../delayed-events.ts";
import { deleteOAuthSessions } from "../oauth/sessions.ts";
import { type Sql, textArray, type Tx } from "../sql.ts";
import { deleteDehydratedDevices } from "./dehydrated-devices.ts";
import { deleteKeysOfDevices } from "./device-keys.ts";
import { deleteSlidingConnections } from "../sliding-connections.ts";
import { deleteInboxes } from "./to-device.ts";

/** A row of devices. Times are ms since 1970. */
export interface DeviceRow {
  deviceId: string;
  displayName: string | null;
  lastSeenTs: number | null;
  lastSeenIp: string | null;
  lastSeenUserAgent: string | null;
}

/** When and from where a device was last seen. */
export interface Sighting {
  userId: string;
  deviceId: string;
  ts: number;
  ip: string;
  userAgent: string | null;
}

/** The last one of a device; null: it was not seen yet, or did not say what it is. */
export interface LastSighting {
  deviceId: string;
  ts: number | null;
  ip: string | null;
  userAgent: string | null;
}

/** A user's devices, oldest first. */
export async function listDevices(sql: Sql | Tx, userId: string): Promise<DeviceRow[]> {
  return await sql<DeviceRow[]>`
    SELECT device_id AS "deviceId", display_name AS "displayName",
      last_seen_ts AS "lastSeenTs", last_seen_ip AS "lastSeenIp",
      last_seen_user_agent AS "lastSeenUserAgent"
    FROM devices WHERE user_id = ${userId} ORDER BY created_ts, device_id`;
}

/** One device of a user. */
export async function findDevice(
  sql: Sql | Tx,
  userId: string,
  deviceId: string,
): Promise<DeviceRow | undefined> {
  const [row] = await sql<DeviceRow[]>`
    SELECT device_id AS "deviceId", display_name AS "displayName",
      last_seen_ts AS "lastSeenTs", last_seen_ip AS "lastSeenIp",
      last_seen_user_agent AS "lastSeenUserAgent"
    FROM devices WHERE user_id = ${userId} AND device_id = ${deviceId}`;
  return row;
}

/** When and from where each of a user's devices was last seen, oldest device first. */
export async function lastSightings(sql: Sql | Tx, userId: string): Promise<LastSighting[]> {
  return await sql<LastSighting[]>`
    SELECT device_id AS "deviceId", last_seen_ts AS ts, last_seen_ip AS ip,
      last_seen_user_agent AS "userAgent"
    FROM devices WHERE user_id = ${userId} ORDER BY created_ts, device_id`;
}

/** Where the user's devices were last seen. */
export async function addressesOf(sql: Sql | Tx, userId: string): Promise<string[]> {
  const rows = await sql<{ ip: string }[]>`
    SELECT DISTINCT last_seen_ip AS ip FROM devices
    WHERE user_id = ${userId} AND last_seen_ip IS NOT NULL`;
  return rows.map(({ ip }) => ip);
}

/** One of a user's devices that has one of these ids. */
export async function findDeviceAmong(
  sql: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<string | undefined> {
  const [row] = await sql<{ deviceId: string }[]>`
    SELECT device_id AS "deviceId" FROM devices
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[]) LIMIT 1`;
  return row?.deviceId;
}

/**
 * Makes sure of a device, and locks it until the transaction ends: of two sign-ins with it one
 * comes after the other. True if it is new; a known one keeps its display name.
 */
export async function insertDevice(
  tx: Sql | Tx,
  device: { userId: string; deviceId: string; displayName: string | null; createdTs: number },
): Promise<boolean> {
  const [row] = await tx<{ isNew: boolean }[]>`
    INSERT INTO devices (user_id, device_id, display_name, created_ts)
    VALUES (${device.userId}, ${device.deviceId}, ${device.displayName}, ${device.createdTs})
    ON CONFLICT (user_id, device_id) DO UPDATE SET display_name = devices.display_name
    RETURNING xmax = 0 AS "isNew"`;
  return row?.isNew === true;
}

/**
 * The devices unseen for the longest time that have to go, so that with one more there are at most
 * `max`. A dehydrated one, which is never seen, does not count.
 */
export async function devicesBeyond(
  tx: Sql | Tx,
  userId: string,
  kept: string,
  max: number,
): Promise<string[]> {
  const rows = await tx<{ deviceId: string }[]>`
    SELECT device_id AS "deviceId" FROM devices d WHERE user_id = ${userId} AND device_id <> ${kept}
      AND NOT EXISTS (SELECT FROM dehydrated_devices h
        WHERE h.user_id = d.user_id AND h.device_id = d.device_id)
    ORDER BY coalesce(last_seen_ts, created_ts) DESC, created_ts DESC, device_id OFFSET ${max - 1}`;
  return rows.map((row) => row.deviceId);
}

/** Renames a device. False if there is no such device. */
export async function updateDeviceName(
  tx: Sql | Tx,
  userId: string,
  deviceId: string,
  displayName: string,
): Promise<boolean> {
  const result = await tx`
    UPDATE devices SET display_name = ${displayName}
    WHERE user_id = ${userId} AND device_id = ${deviceId}`;
  return result.count === 1;
}

/** Deletes the named devices of a user with all that is theirs, and returns those that existed. */
export async function deleteDeviceRows(
  tx: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<string[]> {
  const rows = await tx<GoneDevice[]>`
    DELETE FROM devices WHERE user_id = ${userId} AND device_id = ANY(${deviceIds as string[]}::text[])
    RETURNING device_id AS "deviceId", last_seen_ts AS "seenTs"`;
  return deleteWith(tx, userId, rows);
}

/** Deletes a user's devices with all that is theirs, except one (null: all), and returns them. */
export async function deleteOtherDevices(
  tx: Sql | Tx,
  userId: string,
  except: string | null,
): Promise<string[]> {
  const rows = await tx<GoneDevice[]>`
    DELETE FROM devices WHERE user_id = ${userId} AND device_id IS DISTINCT FROM ${except}
    RETURNING device_id AS "deviceId", last_seen_ts AS "seenTs"`;
  return deleteWith(tx, userId, rows);
}

/** Deletes what belongs to devices that were deleted, and returns them. */
async function deleteWith(
  tx: Sql | Tx,
  userId: string,
  rows: readonly GoneDevice[],
): Promise<string[]> {
  const deviceIds = rows.map(({ deviceId }) => deviceId);
  if (deviceIds.length === 0) return deviceIds;
  const seenTs = Math.max(...rows.map((row) => row.seenTs ?? 0));
  if (seenTs > 0) await noteFormerSighting(tx, userId, seenTs);
  await deleteKeysOfDevices(tx, userId, deviceIds);
  await deleteInboxes(tx, userId, deviceIds);
  await deleteDehydratedDevices(tx, userId, deviceIds);
  await deleteOAuthSessions(tx, userId, deviceIds);
  await deleteSlidingConnections(tx, userId, deviceIds);
  await cancelOfDevices(tx, userId, deviceIds);
  return deviceIds;
}

interface GoneDevice {
  readonly deviceId: string;
  readonly seenTs: number | null;
}

/** Keeps when a user was seen on a device that is gone. */
async function noteFormerSighting(tx: Sql | Tx, userId: string, seenTs: number): Promise<void> {
  await tx`
    INSERT INTO former_sightings (user_id, last_seen_ts) VALUES (${userId}, ${seenTs})
    ON CONFLICT (user_id) DO UPDATE
      SET last_seen_ts = greatest(former_sightings.last_seen_ts, excluded.last_seen_ts)`;
}

/**
 * Records many sightings in one statement. Unknown devices are passed over. The rows are locked in
 * the order of their keys: two replicas that record the same devices at once would lock each other
 * out otherwise.
 */
export async function recordSightings(tx: Sql | Tx, sightings: readonly Sighting[]): Promise<void> {
  await tx`
    WITH seen AS MATERIALIZED (
      SELECT d.user_id, d.device_id FROM devices d
      JOIN unnest(
        ${sightings.map((s) => s.userId)}::text[], ${sightings.map((s) => s.deviceId)}::text[]
      ) AS s (user_id, device_id) USING (user_id, device_id)
      ORDER BY d.user_id, d.device_id FOR UPDATE OF d
    )
    UPDATE devices SET last_seen_ts = s.ts, last_seen_ip = s.ip, last_seen_user_agent = s.agent
    FROM unnest(
      ${sightings.map((s) => s.userId)}::text[], ${sightings.map((s) => s.deviceId)}::text[],
      ${sightings.map((s) => s.ts)}::bigint[], ${sightings.map((s) => s.ip)}::text[],
      ${sightings.map((s) => s.userAgent)}::text[]
    ) AS s (user_id, device_id, ts, ip, agent)
    JOIN seen USING (user_id, device_id)
    WHERE devices.user_id = s.user_id AND devices.device_id = s.device_id
      AND (devices.last_seen_ts IS NULL OR devices.last_seen_ts < s.ts)`;
}
