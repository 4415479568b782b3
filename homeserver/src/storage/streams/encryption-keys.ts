import type { Sql, Tx } from "../sql.ts";
import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface UserSignature {
  /** Who signed. */
  userId: string;
  /** Whose keys. */
  targetId: string;
}

/** A local user signed another user's keys with the user-signing key: nobody else is told. */
export const userSignatures = defineStream({
  kind: "user_signature",
  columns: [
    ["user_id", "text"],
    ["target_id", "text"],
  ],
  values: ({ userId, targetId }: UserSignature) => [keyText(userId), keyText(targetId)],
  statements: (from) => [
    `INSERT INTO user_signature_changes (user_id, target_id, position)
      SELECT t.user_id, t.target_id, max(v.base + t.shift) ${from}
      GROUP BY t.user_id, t.target_id ORDER BY t.user_id, t.target_id
      ON CONFLICT (user_id, target_id) DO UPDATE SET position = excluded.position`,
  ],
  toRecord: ({ userId, targetId }): UserSignature => ({ userId, targetId }),
  read: (sql, { after, upTo, limit }) => sql<(UserSignature & { position: number })[]>`
    SELECT position, user_id AS "userId", target_id AS "targetId" FROM user_signature_changes
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

interface OneTimeKeyChange {
  userId: string;
  deviceId: string;
}

/** One-time or fallback keys of a local device were added or given out: its counts changed. */
export const oneTimeKeys = defineStream({
  kind: "one_time_keys",
  columns: [
    ["user_id", "text"],
    ["device_id", "text"],
  ],
  values: ({ userId, deviceId }: OneTimeKeyChange) => [keyText(userId), keyText(deviceId)],
  statements: (from) => [
    `INSERT INTO one_time_key_changes (user_id, device_id, position)
      SELECT t.user_id, t.device_id, max(v.base + t.shift) ${from}
      GROUP BY t.user_id, t.device_id ORDER BY t.user_id, t.device_id
      ON CONFLICT (user_id, device_id) DO UPDATE SET position = excluded.position`,
  ],
  toRecord: ({ userId, deviceId }): OneTimeKeyChange => ({ userId, deviceId }),
  read: (sql, { after, upTo, limit }) => sql<(OneTimeKeyChange & { position: number })[]>`
    SELECT position, user_id AS "userId", device_id AS "deviceId" FROM one_time_key_changes
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

/** Users whose keys the user signed after a position. */
export async function signedBy(sql: Sql | Tx, userId: string, after: number): Promise<string[]> {
  const rows = await sql<{ targetId: string }[]>`
    SELECT target_id AS "targetId" FROM user_signature_changes
    WHERE user_id = ${userId} AND position > ${after}`;
  return rows.map((row) => row.targetId);
}

/** Whether a device's one-time or fallback keys changed after a position, up to another. */
export async function keysChanged(
  sql: Sql | Tx,
  device: OneTimeKeyChange,
  after: number,
): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM one_time_key_changes
    WHERE user_id = ${device.userId} AND device_id = ${device.deviceId} AND position > ${after}`;
  return rows.length > 0;
}
