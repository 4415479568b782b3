import { number, object, text, type Content } from "../api/types.ts";

export interface Receipt {
  eventId: string;
  ts: number;
}

/** Threads of a room whose receipts are remembered. */
const MAX_THREADS = 300;

/** The newest public receipt of every reader: in the room's own messages, and in each thread. */
export class Receipts {
  readonly #byUser = new Map<string, Receipt>();
  readonly #byThread = new Map<string, Map<string, Receipt>>();

  get byUser(): ReadonlyMap<string, Receipt> {
    return this.#byUser;
  }

  /** Those of one person in threads, for keeping. */
  threadsOf(userId: string): [root: string, receipt: Receipt][] {
    return [...this.#byThread].flatMap(([root, readers]) => {
      const receipt = readers.get(userId);
      return receipt === undefined ? [] : [[root, receipt] as [string, Receipt]];
    });
  }

  of(userId: string, thread?: string): Receipt | undefined {
    return this.in(thread).get(userId);
  }

  /** All of a thread, or of the room's own messages. */
  in(thread: string | undefined): ReadonlyMap<string, Receipt> {
    return thread === undefined ? this.#byUser : (this.#byThread.get(thread) ?? new Map());
  }

  /** Takes in the content of an `m.receipt`: event id → kind → reader → {ts, thread_id}. */
  apply(content: Content): void {
    for (const eventId of Object.keys(content)) {
      const kinds = object(content, eventId);
      for (const kind of ["m.read", "m.read.private"]) {
        const readers = object(kinds, kind) ?? {};
        for (const userId of Object.keys(readers)) {
          const receipt = object(readers, userId);
          const ts = number(receipt, "ts") ?? 0;
          const named = text(receipt, "thread_id");
          const thread = named === "main" ? undefined : named;
          const known = this.of(userId, thread);
          if (known === undefined || ts >= known.ts) this.set(userId, { eventId, ts }, thread);
        }
      }
    }
  }

  set(userId: string, receipt: Receipt, thread?: string): void {
    if (thread === undefined) {
      this.#byUser.set(userId, receipt);
      return;
    }
    const readers = this.#byThread.get(thread) ?? new Map<string, Receipt>();
    readers.set(userId, receipt);
    this.#byThread.delete(thread);
    this.#byThread.set(thread, readers);
    if (this.#byThread.size > MAX_THREADS)
      this.#byThread.delete(this.#byThread.keys().next().value!);
  }
}
