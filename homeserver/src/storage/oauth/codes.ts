import { deleteExpired, keepNewest } from "../expiring-rows.ts";
import type { Sql, Tx } from "../sql.ts";

/** A row of oauth_codes, without its hash and its expiry. */
export interface CodeRow {
  clientId: string;
  userId: string;
  deviceId: string;
  scope: string;
  redirectUri: string;
  codeChallenge: string;
  used: boolean;
}

/** Stores a code. All but the user's newest `max` codes end, and those that are too old. */
export async function insertCode(
  tx: Tx,
  code: Omit<CodeRow, "used"> & { codeHash: Buffer; expiresTs: number; now: number; max: number },
): Promise<void> {
  await deleteExpired(tx, "oauth_codes", code.now);
  await tx`
    INSERT INTO oauth_codes
      (code_hash, client_id, user_id, device_id, scope, redirect_uri, code_challenge, expires_ts)
    VALUES (${code.codeHash}, ${code.clientId}, ${code.userId}, ${code.deviceId}, ${code.scope},
      ${code.redirectUri}, ${code.codeChallenge}, ${code.expiresTs})`;
  await keepNewest(tx, "oauth_codes", code.userId, code.max);
}

/** A code that has not expired, used or not. */
export async function findCode(
  sql: Sql | Tx,
  codeHash: Buffer,
  now: number,
): Promise<CodeRow | undefined> {
  const [row] = await sql<CodeRow[]>`
    SELECT client_id AS "clientId", user_id AS "userId", device_id AS "deviceId", scope,
      redirect_uri AS "redirectUri", code_challenge AS "codeChallenge", used
    FROM oauth_codes WHERE code_hash = ${codeHash} AND expires_ts > ${now}`;
  return row;
}

/** Marks a code as used. False if it was used already, or is gone. */
export async function useCode(tx: Tx, codeHash: Buffer, now: number): Promise<boolean> {
  const result = await tx`
    UPDATE oauth_codes SET used = true
    WHERE code_hash = ${codeHash} AND NOT used AND expires_ts > ${now}`;
  return result.count === 1;
}
