import { type Sql, textArray, type Tx } from "./sql.ts";

/** Which connection of sliding sync it is. */
export interface SlidingConnectionKey {
  readonly userId: string;
  readonly deviceId: string;
  readonly connId: string;
}

/** The state of a connection, and when that was last used, ms since 1970. */
export interface SlidingStateRow {
  readonly state: Buffer;
  readonly usedTs: number;
}

/** The state of a version, if the connection is kept and it is one of its two. */
export async function findSlidingState(
  sql: Sql | Tx,
  { userId, deviceId, connId }: SlidingConnectionKey,
  version: number,
): Promise<SlidingStateRow | undefined> {
  const [row] = await sql<SlidingStateRow[]>`
    SELECT CASE WHEN latest = ${version} THEN latest_state ELSE previous_state END AS state,
      used_ts AS "usedTs"
    FROM sliding_connections
    WHERE user_id = ${userId} AND device_id = ${deviceId} AND conn_id = ${connId}
      AND (latest = ${version} OR previous = ${version})`;
  return row;
}

/** Writes down that a connection is in use. */
export async function touchSlidingConnection(
  sql: Sql | Tx,
  { userId, deviceId, connId }: SlidingConnectionKey,
  now: number,
): Promise<void> {
  await sql`
    UPDATE sliding_connections SET used_ts = greatest(used_ts, ${now})
    WHERE user_id = ${userId} AND device_id = ${deviceId} AND conn_id = ${connId}`;
}

/**
 * Deletes connections that were last used before a time, some at once. Those that another replica
 * is clearing away are left to it.
 */
export async function deleteUnusedSlidingConnections(sql: Sql | Tx, before: number): Promise<void> {
  await sql`
    DELETE FROM sliding_connections WHERE ctid IN (
      SELECT ctid FROM sliding_connections WHERE used_ts < ${before}
      ORDER BY used_ts LIMIT 100 FOR UPDATE SKIP LOCKED)`;
}

/** Begins a connection, in place of one of the same name, and returns its version. */
export async function beginSlidingConnection(
  sql: Sql | Tx,
  { userId, deviceId, connId }: SlidingConnectionKey,
  state: Buffer,
  now: number,
): Promise<number> {
  const [row] = await sql<{ latest: number }[]>`
    INSERT INTO sliding_connections (user_id, device_id, conn_id, latest, latest_state, used_ts)
    VALUES (${userId}, ${deviceId}, ${connId}, nextval('sliding_versions'), ${state}, ${now})
    ON CONFLICT (user_id, device_id, conn_id) DO UPDATE SET
      latest = excluded.latest, latest_state = excluded.latest_state,
      previous = NULL, previous_state = NULL, used_ts = excluded.used_ts
    RETURNING latest`;
  return row!.latest;
}

/**
 * Writes the state that follows a version, and returns its own version. A version that follows the
 * same one, and that the client never came back with, is replaced. Undefined: the connection has
 * neither of the versions any more.
 */
export async function advanceSlidingConnection(
  sql: Sql | Tx,
  { userId, deviceId, connId }: SlidingConnectionKey,
  from: number,
  state: Buffer,
  now: number,
): Promise<number | undefined> {
  const [row] = await sql<{ latest: number }[]>`
    UPDATE sliding_connections SET
      previous_state = CASE WHEN latest = ${from} THEN latest_state ELSE previous_state END,
      previous = ${from},
      latest = nextval('sliding_versions'), latest_state = ${state}, used_ts = ${now}
    WHERE user_id = ${userId} AND device_id = ${deviceId} AND conn_id = ${connId}
      AND (latest = ${from} OR previous = ${from})
    RETURNING latest`;
  return row?.latest;
}

/** Deletes the connections of a device that were not used the longest, beyond a number to keep. */
export async function trimSlidingConnections(
  sql: Sql | Tx,
  userId: string,
  deviceId: string,
  keep: number,
): Promise<void> {
  await sql`
    DELETE FROM sliding_connections WHERE user_id = ${userId} AND device_id = ${deviceId}
      AND conn_id IN (
        SELECT conn_id FROM sliding_connections
        WHERE user_id = ${userId} AND device_id = ${deviceId}
        ORDER BY latest DESC OFFSET ${keep} FOR UPDATE SKIP LOCKED)`;
}

/** Deletes the connections of devices that have ended. */
export async function deleteSlidingConnections(
  sql: Sql | Tx,
  userId: string,
  deviceIds: readonly string[],
): Promise<void> {
  await sql`
    DELETE FROM sliding_connections
    WHERE user_id = ${userId} AND device_id = ANY (${textArray(deviceIds)}::text[])`;
}
