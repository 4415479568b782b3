import type { MatrixEvent } from "../api/types.ts";

export type SendState = "sending" | "failed";

/** One event as the room holds it. `key` stays the same from local echo to the server's own copy. */
export interface Entry {
  readonly key: string;
  event: MatrixEvent;
  /** Present while the event is only ours. */
  pending?: { txnId: string; state: SendState; error?: unknown };
  /** True for reactions, edits and redactions: they have no line of their own. */
  hidden: boolean;
  /** The event that began the thread which it is said in. */
  thread: string | undefined;
}

/** What is shown as something that a person said. */
export const MESSAGE_TYPES = new Set([
  ...["m.room.message", "m.sticker", "m.room.encrypted"],
  ...["org.matrix.msc3381.poll.start", "m.poll.start"],
]);

/** The same from a local echo to the server's own copy. */
export function entryKey(event: MatrixEvent): string {
  return event.unsigned?.transaction_id ?? event.event_id;
}
