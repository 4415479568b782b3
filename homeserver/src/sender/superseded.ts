import type { OutboundEdu, OutboundItem } from "./outbound-item.ts";
import type { JsonObject } from "../protocol/json.ts";

/** An m.device_list_update. */
interface DeviceUpdate extends OutboundEdu {
  readonly content: JsonObject;
}

/**
 * What is sent of items that go out together: of several updates of one device the newest, which
 * names the update that came before the ones left out. (Server-server API, "Device Management".)
 */
export function withoutSuperseded(items: readonly OutboundItem[]): readonly OutboundItem[] {
  const updates = items.flatMap(({ edus }) => edus.filter(isDeviceUpdate));
  if (updates.length < 2) return items;
  const newest = new Map<string, DeviceUpdate>();
  for (const update of updates) newest.set(deviceOf(update), update);
  if (newest.size === updates.length) return items;
  const kept = new Set(newest.values());
  const keptIds = new Set([...kept].map(({ content }) => content.stream_id));
  /** `prev_id` of updates that are left out, by `stream_id`. */
  const leftOut = new Map<unknown, unknown>();
  for (const update of updates) {
    const { stream_id: id, prev_id: before } = update.content;
    if (!kept.has(update) && !keptIds.has(id)) leftOut.set(id, before);
  }
  const left = items.map((item) => ({
    ...item,
    edus: item.edus.flatMap((edu) => {
      if (!isDeviceUpdate(edu)) return [edu];
      return kept.has(edu) ? [relinked(edu, leftOut)] : [];
    }),
  }));
  return left.filter(({ pdu, edus }) => pdu !== undefined || edus.length > 0);
}

function relinked(update: DeviceUpdate, leftOut: ReadonlyMap<unknown, unknown>): OutboundEdu {
  let before = update.content.prev_id;
  while (Array.isArray(before) && leftOut.has(before[0])) {
    before = leftOut.get(before[0]) as typeof before;
  }
  return before === update.content.prev_id
    ? update
    : { ...update, content: { ...update.content, prev_id: before } };
}

function isDeviceUpdate(edu: OutboundEdu): edu is DeviceUpdate {
  if (edu.edu_type !== "m.device_list_update" || typeof edu.content === "string") return false;
  return typeof edu.content.stream_id === "number";
}

function deviceOf({ content }: DeviceUpdate): string {
  return JSON.stringify([content.user_id, content.device_id]);
}

/**
 * Whether an update only tells that there is a device, which has no keys: nobody can encrypt for it
 * yet.
 */
export function isWithoutKeys(edu: OutboundEdu): boolean {
  if (!isDeviceUpdate(edu)) return false;
  return edu.content.keys === undefined && edu.content.deleted !== true;
}
