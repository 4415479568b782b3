import type { ReceiptRecord } from "../log/types.ts";
import type { JsonObject } from "../protocol/json.ts";

/** An EDU waiting for a transaction. A newer one with the same key replaces it. */
export interface PendingEdu {
  readonly key: string;
  readonly edu: { readonly edu_type: string; readonly content: JsonObject };
  /** ms since 1970 after which it is useless. */
  readonly staleAt: number;
}

/** Limit on EDUs waiting for an unreachable destination. */
const MAX_WAITING = 500;

/** The EDUs waiting for one destination: the newest of each key. */
export class EduQueue {
  readonly #waiting = new Map<string, PendingEdu>();

  /** Adds an EDU; if more than `most` wait then, the oldest are dropped. */
  add(edu: PendingEdu, max = MAX_WAITING): void {
    this.#waiting.delete(edu.key);
    this.#waiting.set(edu.key, edu);
    for (const key of this.#waiting.keys()) {
      if (this.#waiting.size <= max) break;
      this.#waiting.delete(key);
    }
  }

  /** Drops those that are out of date. */
  dropStale(now: number): void {
    for (const [key, edu] of this.#waiting) if (edu.staleAt <= now) this.#waiting.delete(key);
  }

  get empty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Takes out at most `max`, the oldest ones; stale ones are dropped. */
  take(now: number, max: number): PendingEdu[] {
    const taken: PendingEdu[] = [];
    for (const edu of this.#waiting.values()) {
      if (taken.length >= max) break;
      this.#waiting.delete(edu.key);
      if (edu.staleAt > now) taken.push(edu);
    }
    return taken;
  }
}

const RECEIPT_LIFE_MS = 60 * 60_000;

/** The m.receipt EDU of one receipt. (Server-server API, "Receipts".) */
export function receiptEdu(record: ReceiptRecord, now: number): PendingEdu {
  const { roomId, userId, threadId, eventId, ts } = record;
  const data: JsonObject = threadId === "" ? { ts } : { ts, thread_id: threadId };
  return {
    key: `m.receipt ${roomId} ${threadId} ${userId}`,
    edu: {
      edu_type: "m.receipt",
      content: { [roomId]: { "m.read": { [userId]: { event_ids: [eventId], data } } } },
    },
    staleAt: now + RECEIPT_LIFE_MS,
  };
}
