import type { FollowerOptions } from "../../log/follow.ts";
import type { Log, RecordOf } from "../../log/types.ts";
import { atMost, LRUCache } from "../../platform/caches.ts";
import type { Logger } from "../../platform/logger.ts";
import { deviceKey } from "../../protocol/identifiers.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { Sql } from "../../storage/sql.ts";
import {
  devicesWithMessages,
  type InboxSize,
  inboxSizes,
  trimInbox,
} from "../../storage/users/to-device-bounds.ts";
import { deleteMessages, type DeviceOfUser, type EndOfUse } from "../../storage/users/to-device.ts";
import { MAX_MESSAGE_BYTES } from "./messages.ts";

/** Of a device whose inbox was too full this part of the limit stays. */
const KEPT = 7 / 8;
/** A device is looked at after so many messages at least. */
const LOOK_EVERY = 100;
/** Devices that are remembered. */
const DEVICES_KEPT = 100_000;
/** Devices of one query. */
const PAGE = 500;

type Kinds = "to_device" | "device_list";

/**
 * A follower that keeps inboxes of devices within `bytes` (0: without limit), and deletes those of
 * devices that have ended. Sending costs nothing for it: a device is looked at again once so many
 * messages have come that the largest ones could have filled what was free.
 */
export function inboxBounds(deps: {
  readonly sql: Sql;
  readonly log: Pick<Log, "position">;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly bytes: number;
}): FollowerOptions<Kinds> {
  const { sql, log, logger, bytes: limit } = deps;
  const dropped = deps.metrics.counter(
    "to_device_messages_dropped_total",
    "Messages for devices that were deleted since too much waited for the device",
  );
  /** Messages that a device may get until it is looked at. */
  const left = new LRUCache<string, number>(atMost(DEVICES_KEPT));

  function due(records: readonly RecordOf<"to_device">[]): EndOfUse[] {
    const found = new Map<string, EndOfUse>();
    for (const { userId, deviceId, position } of records) {
      const key = deviceKey({ userId, deviceId });
      const messages = (left.get(key) ?? 1) - 1;
      left.set(key, messages);
      if (messages <= 0) found.set(key, { userId, deviceId, upTo: position });
    }
    return [...found.values()];
  }

  /** Returns the devices that do not exist. */
  async function look(devices: readonly EndOfUse[]): Promise<EndOfUse[]> {
    const sizes = new Map<string, InboxSize>();
    for (const size of await inboxSizes(sql, devices)) {
      sizes.set(deviceKey(size), size);
    }
    const ended: EndOfUse[] = [];
    for (const device of devices) {
      const key = deviceKey(device);
      const { bytes = 0, exists = false } = sizes.get(key) ?? {};
      if (exists) left.set(key, await trimmed(device, bytes));
      else ended.push(device);
    }
    return ended;
  }

  /** Trims a device's inbox if it is too full. Returns how many messages may follow. */
  async function trimmed({ userId, deviceId }: DeviceOfUser, bytes: number): Promise<number> {
    if (limit === 0) return Infinity;
    if (bytes <= limit) return messagesIn(limit - bytes);
    const messages = await trimInbox(sql, { userId, deviceId }, Math.floor(limit * KEPT));
    dropped.inc(messages);
    logger.warn(
      { userId, deviceId, bytes, limit, messages },
      "too much waited for a device: its least useful messages were deleted",
    );
    return messagesIn(limit * (1 - KEPT));
  }

  async function end(devices: readonly EndOfUse[]): Promise<void> {
    if (devices.length === 0) return;
    await deleteMessages(sql, devices);
    for (const { userId, deviceId } of devices) left.delete(deviceKey({ userId, deviceId }));
  }

  return {
    name: "inbox-bounds",
    kinds: ["to_device", "device_list"],
    from: "end",
    /** Looks for devices that ended while somebody sent to them, and this was not told. */
    async begin(signal) {
      const upTo = log.position;
      let after = { userId: "", deviceId: "" };
      while (!signal.aborted) {
        const devices = await devicesWithMessages(sql, after, PAGE);
        const last = devices.at(-1);
        if (last === undefined) return;
        after = last;
        await end(devices.filter(({ exists }) => !exists).map((each) => ({ ...each, upTo })));
      }
    },
    async handle(records) {
      const removed = records.filter((record) => record.kind === "device_list" && record.isRemoved);
      await end(removed.map(({ position, ...device }) => ({ ...device, upTo: position })));
      await end(await look(due(records.filter((record) => record.kind === "to_device"))));
    },
  };
}

/** How many of the largest messages fit into so many bytes; the limit may be passed by a little. */
function messagesIn(bytes: number): number {
  return Math.max(LOOK_EVERY, Math.floor(bytes / MAX_MESSAGE_BYTES));
}
