import { unique } from "./client.ts";
import type { JsonObject } from "./json.ts";
import { must } from "./must.ts";
import type { SyncBody } from "./shapes.ts";
import { syncOnce } from "./sync.ts";
import type { User } from "./users.ts";

/** Contents by user and device. */
export type Messages = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

export interface DeviceMessage {
  readonly sender: string;
  readonly type: string;
  readonly content: JsonObject;
}

export const TYPE = "org.example.message";

/** Sends to devices, with a transaction id of its own unless one is given. */
export async function sendToDevices(
  by: User,
  messages: Messages,
  { type = TYPE, txnId = unique("txn") } = {},
): Promise<void> {
  await by.call("sendToDevice", { path: { eventType: type, txnId }, body: { messages } });
}

export function messagesIn(body: SyncBody): DeviceMessage[] {
  return (body.to_device?.events ?? []) as unknown as DeviceMessage[];
}

/** What a device got in several syncs, and where to sync on. */
export interface Received {
  readonly messages: DeviceMessage[];
  readonly nextBatch: string;
}

/** Syncs on until so many messages have come. */
export async function receive(user: User, count: number, since?: string): Promise<Received> {
  const messages: DeviceMessage[] = [];
  let from = since;
  for (let turn = 0; turn < 60; turn += 1) {
    const body = await syncOnce(user, { timeout: 1_000, since: from });
    messages.push(...messagesIn(body));
    from = body.next_batch;
    if (messages.length >= count) return { messages, nextBatch: from };
  }
  must(false, `${messages.length} messages came, not ${count}`);
}
