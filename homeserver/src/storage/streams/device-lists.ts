import type { Sql, Tx } from "../sql.ts";
import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

/** Two log positions: what changed after the first, up to the second. */
export interface Between {
  readonly after: number;
  readonly upTo: number;
}

interface DeviceListChange {
  userId: string;
  /** "": not of one device: cross-signing keys, or anything of another server's user. */
  deviceId: string;
  isRemoved: boolean;
}

/** Superseded changes, and those of removed devices, that are remembered per user: the newest. */
const HISTORY_KEPT = 200;
/** The same of changes that are not about one device. */
const OTHERS_KEPT = 10;

/**
 * A user's device came, changed (keys, signatures, name), or went; or their cross-signing keys
 * changed. The position of a local device's change is the `stream_id` that other servers are told,
 * so the table is a history: the row of a device before it is its `prev_id`. (Server-server API,
 * "Device Management".)
 */
export const deviceLists = defineStream({
  kind: "device_list",
  columns: [
    ["user_id", "text"],
    ["device_id", "text"],
    ["removed", "int"],
  ],
  values: ({ userId, deviceId, isRemoved }: DeviceListChange) => [
    ...[keyText(userId), keyText(deviceId), isRemoved ? 1 : 0],
  ],
  statements: (from) => [
    `INSERT INTO device_list_changes (user_id, position, device_id, removed)
      SELECT t.user_id, v.base + t.shift, t.device_id, t.removed = 1 ${from}
      ORDER BY t.user_id, t.shift`,
    `DELETE FROM device_list_changes d USING (
        SELECT t.user_id, array_agg(t.device_id) AS devices ${from} GROUP BY t.user_id) AS l
      WHERE d.user_id = l.user_id AND (
        (d.device_id = '' AND '' = ANY (l.devices) AND d.position < (
            SELECT k.position FROM device_list_changes k
            WHERE k.user_id = l.user_id AND k.device_id = ''
            ORDER BY k.position DESC OFFSET ${OTHERS_KEPT - 1} LIMIT 1))
        OR (d.position < (
              SELECT k.position FROM device_list_changes k WHERE k.user_id = l.user_id
              ORDER BY k.position DESC OFFSET ${HISTORY_KEPT - 1} LIMIT 1)
            AND (d.removed OR d.device_id = ANY (l.devices) OR EXISTS (
              SELECT 1 FROM device_list_changes k
              WHERE k.user_id = d.user_id AND k.device_id = d.device_id
                AND k.position > d.position))))`,
    // What the streams of keys remember of devices and accounts that end.
    // A device that another one of its name replaces at once keeps its lists.
    `DELETE FROM one_time_key_lists o USING (
        SELECT t.user_id, t.device_id ${from} GROUP BY t.user_id, t.device_id
        HAVING (array_agg(t.removed ORDER BY t.shift DESC))[1] = 1) AS l
      WHERE o.user_id = l.user_id AND o.device_id = l.device_id`,
    `DELETE FROM user_signature_changes s USING (
        SELECT t.user_id ${from} AND t.removed = 1 AND t.device_id = '') AS l
      WHERE s.user_id = l.user_id`,
  ],
  toRecord: ({ userId, deviceId, isRemoved }): DeviceListChange => ({
    userId,
    deviceId,
    isRemoved,
  }),
  read: (sql, { after, upTo, limit }) => sql<(DeviceListChange & { position: number })[]>`
    SELECT position, user_id AS "userId", device_id AS "deviceId", removed AS "isRemoved"
    FROM device_list_changes
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

/**
 * Users of whom something changed after a position, up to another. Of many changes that were
 * superseded after the second the older ones are not in the table: users who may have had one count.
 */
export async function usersWithChanges(sql: Sql | Tx, between: Between): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM device_list_changes WHERE position > ${between.after}
    GROUP BY user_id HAVING ${mayBeIn(sql, between)}`;
  return rows.map((row) => row.userId);
}

/** Of one user's changes after the first position: whether one was before the second. */
export function mayBeIn(sql: Sql | Tx, { upTo }: Between) {
  return sql`(min(position) <= ${upTo} OR count(*) >= ${HISTORY_KEPT}
    OR count(*) FILTER (WHERE device_id = '') >= ${OTHERS_KEPT})`;
}
