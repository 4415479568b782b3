import { number, object, type Content } from "../api/types.ts";

export interface Receipt {
  eventId: string;
  ts: number;
}

/** The newest public receipt of every reader (threads apart are not told apart here). */
export class Receipts {
  readonly #byUser = new Map<string, Receipt>();

  get byUser(): ReadonlyMap<string, Receipt> {
    return this.#byUser;
  }

  of(userId: string): Receipt | undefined {
    return this.#byUser.get(userId);
  }

  /** Takes in the content of an `m.receipt`: event id → kind → reader → {ts}. */
  apply(content: Content): void {
    for (const eventId of Object.keys(content)) {
      const kinds = object(content, eventId);
      for (const kind of ["m.read", "m.read.private"]) {
        const readers = object(kinds, kind) ?? {};
        for (const userId of Object.keys(readers)) {
          const ts = number(object(readers, userId), "ts") ?? 0;
          const known = this.#byUser.get(userId);
          if (known === undefined || ts >= known.ts) this.#byUser.set(userId, { eventId, ts });
        }
      }
    }
  }

  set(userId: string, receipt: Receipt): void {
    this.#byUser.set(userId, receipt);
  }
}
