import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface DeviceListChange {
  userId: string;
  deviceId: string;
  isRemoved: boolean;
}

/** Removed devices that are remembered per user: the newest. */
const REMOVED_KEPT = 200;

/** A device of a local user was added, renamed or removed. */
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
    `INSERT INTO device_list_changes (user_id, device_id, removed, position)
      SELECT DISTINCT ON (t.user_id, t.device_id) t.user_id, t.device_id, t.removed = 1,
        v.base + t.shift ${from}
      ORDER BY t.user_id, t.device_id, t.n DESC, t.i DESC
      ON CONFLICT (user_id, device_id) DO UPDATE SET removed = excluded.removed,
        position = excluded.position`,
    `DELETE FROM device_list_changes d USING (
        SELECT t.user_id, array_agg(t.device_id) AS devices ${from} GROUP BY t.user_id) AS l
      WHERE d.user_id = l.user_id AND d.removed AND d.device_id <> ALL (l.devices)
        AND d.position < (
          SELECT k.position FROM device_list_changes k WHERE k.user_id = l.user_id AND k.removed
          ORDER BY k.position DESC OFFSET ${REMOVED_KEPT - 1} LIMIT 1)`,
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
