import { defineStream } from "./stream.ts";
import { jsonText, keyText } from "./text.ts";

interface DeviceAddress {
  userId: string;
  deviceId: string;
}

interface ToDeviceRow extends DeviceAddress {
  /** JSON object text: sender, type and content, as the device gets it. */
  message: string;
}

/** A message for a device of this server. Readers are told that there is one, and look it up. */
export const toDevice = defineStream({
  kind: "to_device",
  columns: [
    ["user_id", "text"],
    ["device_id", "text"],
    ["message", "jsonText"],
  ],
  values: ({ userId, deviceId, message }: ToDeviceRow) => [
    ...[keyText(userId), keyText(deviceId), jsonText(message)],
  ],
  statements: (from) => [
    `INSERT INTO to_device_messages (position, user_id, device_id, message)
      SELECT v.base + t.shift, t.user_id, t.device_id, t.message ${from} ORDER BY t.shift`,
  ],
  toRecord: ({ userId, deviceId }): DeviceAddress => ({ userId, deviceId }),
  rowBytes: ({ message }) => message.length,
  read: (sql, { after, upTo, limit }) => sql<(DeviceAddress & { position: number })[]>`
    SELECT position, user_id AS "userId", device_id AS "deviceId" FROM to_device_messages
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

interface ToDeviceOutbound {
  /** Name of the destination. */
  server: string;
  /** JSON object text: content of the m.direct_to_device EDU. */
  content: string;
}

/** A message for devices of another server. (Server-server API, "Send-to-device messaging".) */
export const toDeviceOutbound = defineStream({
  kind: "to_device_outbound",
  columns: [
    ["server", "text"],
    ["content", "jsonText"],
  ],
  values: ({ server, content }: ToDeviceOutbound) => [keyText(server), jsonText(content)],
  statements: (from) => [
    `INSERT INTO to_device_outbound (position, server, content)
      SELECT v.base + t.shift, t.server, t.content ${from} ORDER BY t.shift`,
  ],
  toRecord: (row): ToDeviceOutbound => row,
  read: (sql, { after, upTo, limit }) => sql<(ToDeviceOutbound & { position: number })[]>`
    SELECT position, server, content FROM to_device_outbound
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
  bytes: ({ content }) => content.length,
});
