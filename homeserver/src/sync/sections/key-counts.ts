import type { UserId } from "../../protocol/identifiers.ts";
import { deviceOf } from "../users/syncing-user.ts";
import type { Scope } from "./scope.ts";

/** What other people's devices can still claim of a device's keys. */
export interface KeyCounts {
  /** Number of unclaimed one-time keys by algorithm. */
  readonly oneTimeKeys: Readonly<Record<string, number>>;
  /** Algorithms of the fallback keys that were not given out. */
  readonly unusedFallbackTypes: readonly string[];
}

interface DeviceOfUser {
  readonly userId: UserId;
  readonly deviceId: string;
}

/** Where the counts come from; what was counted is cached, and dropped when it changes. */
export interface DeviceKeyCounts {
  counts(device: DeviceOfUser): Promise<KeyCounts>;
  /** The same from memory; undefined when they are not there. */
  peekCounts(device: DeviceOfUser): KeyCounts | undefined;
}

/** The algorithm that is always told: clients upload keys when its count is low. */
const ALWAYS_TOLD = { signed_curve25519: 0 };

const texts = new WeakMap<KeyCounts, string>();

/** The members of a sync with the counts, as JSON text without braces. */
export function keyCountsText(counts: KeyCounts): string {
  let text = texts.get(counts);
  if (text === undefined) {
    const oneTime = JSON.stringify({ ...ALWAYS_TOLD, ...counts.oneTimeKeys });
    const unused = JSON.stringify(counts.unusedFallbackTypes);
    text = `"device_one_time_keys_count":${oneTime},"device_unused_fallback_key_types":${unused}`;
    texts.set(counts, text);
  }
  return text;
}

/**
 * Whether the counts changed since the client's token. Only for a sync with nothing else: each
 * contains them. `keysChanged`: whether they changed after a position, from the tables.
 */
export function createKeyChanges(
  keysChanged: (device: DeviceOfUser, after: number) => Promise<boolean>,
) {
  return async function hasKeyChanges({ user, userId, deviceId, since }: Scope): Promise<boolean> {
    if (since === undefined) return true;
    const device = deviceOf(user, deviceId);
    if (device.keysAt !== undefined || since.position >= user.loadedAt) {
      return (device.keysAt ?? 0) > since.position;
    }
    return keysChanged({ userId, deviceId }, since.position);
  };
}
