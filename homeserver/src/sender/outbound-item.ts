import type { JsonObject } from "../protocol/json.ts";

/** An EDU that is sent until it is acknowledged. */
export interface OutboundEdu {
  readonly edu_type: string;
  /** An object, or the JSON text of one. */
  readonly content: JsonObject | string;
}

/** What one server is owed of one log position; all of it goes in one transaction. */
export interface OutboundItem {
  readonly position: number;
  readonly pdu?: JsonObject | undefined;
  readonly edus: readonly OutboundEdu[];
}

/** A range of what one server is owed. */
export interface Backlog {
  readonly items: readonly OutboundItem[];
  /** It is complete up to here. */
  readonly upTo: number;
}

/** Transactions carry at most this many PDUs, */
export const MAX_PDUS = 50;
/** and this many EDUs. (Server-server API, "Transactions".) */
export const MAX_EDUS = 100;

/**
 * Characters of messages for devices in one transaction, but for a single longer one: until it is
 * acknowledged a transaction stays in memory, for each server that is away.
 */
export const MAX_MESSAGES_LENGTH = 200_000;

/** Counts what goes into a transaction. */
export class TransactionRoom {
  #items: number;
  #pdus = MAX_PDUS;
  #edus = MAX_EDUS;
  #length = 0;

  /** At most so many items, besides the limits of a transaction. */
  constructor(items: number) {
    this.#items = items;
  }

  /** Makes room for an item with messages of this length; false when there is none left. */
  take(pdus: number, edus: number, length: number): boolean {
    if (this.#items < 1 || this.#pdus < pdus || this.#edus < edus) return false;
    if (this.#length > 0 && this.#length + length > MAX_MESSAGES_LENGTH) return false;
    this.#length += length;
    this.#items -= 1;
    this.#pdus -= pdus;
    this.#edus -= edus;
    return true;
  }
}

/** The first items that fit into one transaction. */
export function fitting(items: readonly OutboundItem[], most: number): readonly OutboundItem[] {
  const room = new TransactionRoom(most);
  const end = items.findIndex(
    (item) => !room.take(item.pdu ? 1 : 0, item.edus.length, lengthOf(item)),
  );
  return items.slice(0, end < 0 ? undefined : end);
}

/** An EDU as it is sent. */
export function eduOnTheWire({ edu_type, content }: OutboundEdu): JsonObject {
  return {
    edu_type,
    content: typeof content === "string" ? (JSON.parse(content) as JsonObject) : content,
  };
}

/** Limits on items kept in memory for one destination; the others are read from the database. */
const MAX_ITEMS = 500;
/** Characters of those that are not shared with other destinations. */
const MAX_LENGTH = 2 * MAX_MESSAGES_LENGTH;

/** The newest items for one destination. */
export class RecentItems {
  #items: OutboundItem[] = [];
  #length = 0;
  #from: number;

  constructor(from: number) {
    this.#from = from;
  }

  /** It is complete after this position. */
  get from(): number {
    return this.#from;
  }

  get all(): readonly OutboundItem[] {
    return this.#items;
  }

  /** Drops everything: it is complete after this position. */
  startAfter(position: number): void {
    this.#items = [];
    this.#length = 0;
    this.#from = position;
  }

  add(item: OutboundItem): void {
    this.#items.push(item);
    this.#length += lengthOf(item);
    while (this.#items.length > MAX_ITEMS || this.#length > MAX_LENGTH) {
      const oldest = this.#items.shift()!;
      this.#length -= lengthOf(oldest);
      this.#from = oldest.position;
    }
  }

  dropUpTo(position: number): void {
    while (this.#items.length > 0 && this.#items[0]!.position <= position) {
      this.#length -= lengthOf(this.#items.shift()!);
    }
  }
}

/** Characters of an item's messages for devices. */
function lengthOf({ edus }: OutboundItem): number {
  let length = 0;
  for (const { content } of edus) if (typeof content === "string") length += content.length;
  return length;
}
