import { deleteExpired } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

/** A row of oauth_device_grants. */
export interface DeviceGrantRow {
  codeHash: Buffer;
  userCode: string;
  clientId: string;
  deviceId: string;
  scope: string;
  /** Who let the device in; null: nobody yet. */
  userId: string | null;
  denied: boolean;
  /** When the device last asked, ms since 1970. */
  polledTs: number;
  expiresTs: number;
}

/** Stores a grant that is asked for. False if the user code is taken, or there are too many. */
export async function insertDeviceGrant(
  tx: Tx,
  grant: Pick<
    DeviceGrantRow,
    "codeHash" | "userCode" | "clientId" | "deviceId" | "scope" | "expiresTs"
  > & { now: number; max: number },
): Promise<boolean> {
  await deleteExpired(tx, "oauth_device_grants", grant.now);
  const result = await tx`
    INSERT INTO oauth_device_grants (code_hash, user_code, client_id, device_id, scope, expires_ts)
    SELECT ${grant.codeHash}, ${grant.userCode}, ${grant.clientId}, ${grant.deviceId},
      ${grant.scope}, ${grant.expiresTs}::bigint
    WHERE (SELECT count(*) FROM oauth_device_grants) < ${grant.max}
    ON CONFLICT DO NOTHING`;
  return result.count === 1;
}

/** The grant that people know by a code. */
export async function findDeviceGrant(
  sql: Sql | Tx,
  userCode: string,
  now: number,
): Promise<DeviceGrantRow | undefined> {
  const [row] = await sql<DeviceGrantRow[]>`
    SELECT code_hash AS "codeHash", user_code AS "userCode", client_id AS "clientId",
      device_id AS "deviceId", scope, user_id AS "userId", denied, polled_ts AS "polledTs",
      expires_ts AS "expiresTs"
    FROM oauth_device_grants WHERE user_code = ${userCode} AND expires_ts > ${now}`;
  return row;
}

/** Lets a device in (`userId`) or not (null). False if that was decided already, or it is gone. */
export async function decideDeviceGrant(
  tx: Tx,
  userCode: string,
  userId: string | null,
  now: number,
): Promise<boolean> {
  const result = await tx`
    UPDATE oauth_device_grants SET user_id = ${userId}, denied = ${userId === null}
    WHERE user_code = ${userCode} AND expires_ts > ${now} AND user_id IS NULL AND NOT denied`;
  return result.count === 1;
}

/** The grant of a device's code as it was before; notes that the device asked. */
export async function pollDeviceGrant(
  sql: Sql | Tx,
  codeHash: Buffer,
  now: number,
): Promise<DeviceGrantRow | undefined> {
  const [row] = await sql<DeviceGrantRow[]>`
    WITH before AS (
      SELECT * FROM oauth_device_grants WHERE code_hash = ${codeHash} FOR UPDATE
    )
    UPDATE oauth_device_grants g SET polled_ts = ${now} FROM before b
    WHERE g.code_hash = b.code_hash
    RETURNING b.code_hash AS "codeHash", b.user_code AS "userCode", b.client_id AS "clientId",
      b.device_id AS "deviceId", b.scope, b.user_id AS "userId", b.denied,
      b.polled_ts AS "polledTs", b.expires_ts AS "expiresTs"`;
  return row;
}

/** Ends a grant. False if it was ended already. */
export async function takeDeviceGrant(tx: Tx, codeHash: Buffer): Promise<boolean> {
  const result = await tx`DELETE FROM oauth_device_grants WHERE code_hash = ${codeHash}`;
  return result.count === 1;
}
