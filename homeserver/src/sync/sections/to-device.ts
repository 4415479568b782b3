import { deviceOf } from "../users/syncing-user.ts";
import type { Scope } from "./scope.ts";

/** Messages that wait for devices. */
export interface ToDeviceMessages {
  /** The first messages for a device with after < position ≤ upTo, oldest first. */
  waiting(which: {
    readonly userId: string;
    readonly deviceId: string;
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
  }): Promise<readonly { readonly position: number; readonly message: string }[]>;
  /** The device has all messages up to a log position: they can be deleted. */
  delivered(userId: string, deviceId: string, upTo: number): void;
}

export interface ToDeviceSection {
  /** JSON texts of events. */
  readonly events: readonly string[];
  /** Position of the last of them, if more are waiting. */
  readonly next: number | undefined;
}

/** Messages in one sync, at most. */
const MAX_MESSAGES = 100;
const NOTHING: ToDeviceSection = { events: [], next: undefined };

/** Up to which position the client has the messages for its device, by its token. */
export function messagesUpTo({ since }: Pick<Scope, "since">): number {
  return since === undefined ? 0 : (since.toDevice ?? since.position);
}

/** The `to_device` section. */
export function createToDeviceSection(messages: Pick<ToDeviceMessages, "waiting">) {
  return async function toDevice(scope: Scope): Promise<ToDeviceSection> {
    const { user, userId, deviceId, upTo } = scope;
    const after = messagesUpTo(scope);
    if (scope.since !== undefined && deviceOf(user, deviceId).messagesAt <= after) return NOTHING;
    const which = { userId, deviceId, after, upTo: upTo.position, limit: MAX_MESSAGES + 1 };
    const found = await messages.waiting(which);
    const sent = found.slice(0, MAX_MESSAGES);
    const next = found.length > sent.length ? sent.at(-1)!.position : undefined;
    return { events: sent.map(({ message }) => message), next };
  };
}
