import { EduQueue, type PendingEdu } from "./edus.ts";
import {
  type Backlog,
  eduOnTheWire,
  fitting,
  MAX_EDUS,
  MAX_PDUS,
  type OutboundItem,
  RecentItems,
} from "./outbound-item.ts";
import { withoutSuperseded } from "./superseded.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** Limit on EDUs kept for a server that is not reachable. */
const MAX_EDUS_IN_FLIGHT = 50;
/** Items in a transaction: no limit besides those on PDUs and EDUs. */
const MAX_ITEMS = MAX_PDUS + MAX_EDUS;

export interface OutgoingTransaction {
  readonly txnId: string;
  readonly pdus: JsonObject[];
  readonly edus: JsonObject[];
  /** What of it is sent until it is acknowledged; the other EDUs are sent once. */
  readonly items: readonly OutboundItem[];
  /** Once it is delivered, the server has all that it is owed up to here. */
  readonly upTo: number;
}

export interface DestinationDeps {
  /**
   * Sends a transaction. "refused": the server is reachable but will never accept it. Rejects when
   * it may be accepted later.
   */
  readonly send: (
    server: ServerName,
    transaction: OutgoingTransaction,
  ) => Promise<"taken" | "refused">;
  /** What the server is owed next, from the database: one transaction of at most `most` items. */
  readonly read: (
    server: ServerName,
    after: number,
    upTo: number,
    most: number,
  ) => Promise<Backlog>;
  /** Runs a task when this server gets a send slot: few transactions run at once. */
  readonly withSendSlot: <T>(server: ServerName, task: () => Promise<T>) => Promise<T>;
  /** False while the server is backed off after a failure. */
  readonly mayTry: (server: ServerName) => boolean;
  /** Called when the destination shall be tried again later. */
  readonly waits: (destination: Destination) => void;
  readonly delivered: (destination: Destination) => void;
  readonly now: () => number;
  readonly newTxnId: () => string;
  readonly warn: (server: ServerName, error: unknown) => void;
  /** Called for an event or EDU that the server refuses: it is given up. */
  readonly givenUp: (server: ServerName, refused: OutboundItem) => void;
}

/**
 * The queue for one server, in the order of the log; at most one transaction is in flight. Its
 * durable part is two positions: what the server is owed in (sent, wanted] is sent, from memory or
 * else from the database: local events, messages for devices, and updates of local users' devices.
 */
export class Destination {
  readonly server: ServerName;
  /** What the server is owed up to here has been delivered. */
  sent: number;
  /** The last position at which it is owed something. */
  wanted: number;
  /** When it last took a transaction, ms since 1970; undefined: none of this process. */
  deliveredTs: number | undefined;
  readonly #deps: DestinationDeps;
  readonly #edus = new EduQueue();
  readonly #memory: RecentItems;
  /** A transaction that was not accepted is sent again unchanged. */
  #unanswered: OutgoingTransaction | undefined;
  /** Maximum items per transaction: lowered after a refusal, to find the item that was refused. */
  #most = MAX_ITEMS;
  /** An item that was refused as a whole: what is left of it to be sent part by part. */
  #parts: OutboundItem[] = [];
  #running = false;
  /** The server is not reachable: no items are kept in memory for it. */
  #isAway = false;
  /** The database knows that this server is owed something. */
  #isKnownBehind = false;

  constructor(server: ServerName, at: { sent: number; wanted: number }, deps: DestinationDeps) {
    this.server = server;
    this.sent = at.sent;
    this.wanted = at.wanted;
    this.#memory = new RecentItems(at.wanted);
    this.#deps = deps;
  }

  get behind(): boolean {
    return this.wanted > this.sent;
  }

  /**
   * The server is unreachable and the database knows that it is owed something: nothing more needs
   * to be written.
   */
  get isWrittenOff(): boolean {
    return this.#isAway && this.#isKnownBehind;
  }

  get idle(): boolean {
    return !this.#running && !this.behind && this.#edus.empty && !this.#unanswered;
  }

  /**
   * Starts again from the durable positions: another process may have sent, or queued, meanwhile.
   */
  reset(at: { sent: number; wanted: number }): void {
    this.sent = at.sent;
    this.wanted = at.wanted;
    this.#isKnownBehind = this.behind;
    this.#parts = [];
    this.#forget();
  }

  /** Adds what the server is owed of a log position; positions rise. */
  add(item: OutboundItem): void {
    const { position } = item;
    if (position <= this.wanted) return;
    if (!this.behind) {
      // Nothing was meant for this server since the last one, so nothing is skipped.
      this.sent = Math.max(this.sent, position - 1);
      this.#memory.startAfter(this.sent);
    }
    this.wanted = position;
    if (!this.behind) return; // it was delivered before a restart
    if (this.#isAway) return this.#forget();
    this.#memory.add(item);
  }

  /** `wanted` has been written to the database. */
  written(): void {
    this.#isKnownBehind = this.behind;
  }

  addEdu(edu: PendingEdu): void {
    this.#edus.add(edu, this.#isAway ? MAX_EDUS_IN_FLIGHT : undefined);
  }

  /** Drops EDUs that are out of date. */
  dropStale(now: number): void {
    this.#edus.dropStale(now);
  }

  /** Sends transactions one after another until nothing is left or the server fails. */
  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (;;) {
        if (!this.#deps.mayTry(this.server)) return this.#wait();
        this.#isAway = false;
        await this.#deps.withSendSlot(this.server, () => this.#sendNext());
        if (!this.behind && this.#edus.empty && !this.#unanswered) return;
      }
    } catch (error) {
      this.#deps.warn(this.server, error);
      this.#wait();
    } finally {
      this.#running = false;
    }
  }

  async #sendNext(): Promise<void> {
    // It may have waited long for its slot.
    if (!this.#deps.mayTry(this.server)) return;
    const transaction = (this.#unanswered ??= await this.#next());
    if (!transaction) return;
    const outcome = await this.#deps.send(this.server, transaction);
    this.#unanswered = undefined;
    if (outcome === "taken") this.#taken(transaction);
    else this.#refused(transaction);
  }

  #wait(): void {
    this.#isAway = true;
    this.#forget();
    this.#deps.waits(this);
  }

  /** Drops items from memory; the database has them, too. */
  #forget(): void {
    this.#memory.startAfter(this.wanted);
  }

  #taken({ upTo }: OutgoingTransaction): void {
    this.#most = Math.min(this.#most * 2, MAX_ITEMS);
    this.#parts.shift();
    this.#advance(upTo);
    this.deliveredTs = this.#deps.now();
    this.#deps.delivered(this);
  }

  /**
   * After a refusal: EDUs that nobody waits for are dropped. Then items are sent one by one, and
   * the one that is refused part by part, to give up only what is refused by itself.
   */
  #refused({ pdus, edus, items, upTo }: OutgoingTransaction): void {
    const refused = items[0];
    const durable = items.reduce((count, item) => count + item.edus.length, 0);
    if (refused === undefined || edus.length > durable) return;
    if (items.length > 1) {
      this.#most = 1;
    } else if (pdus.length + edus.length > 1) {
      this.#parts = partsOf(refused);
    } else {
      this.#deps.givenUp(this.server, refused);
      this.#parts.shift();
      this.#advance(upTo);
      this.#deps.delivered(this);
    }
  }

  async #next(): Promise<OutgoingTransaction | undefined> {
    const { items, upTo } = this.behind ? await this.#stretch() : { items: [], upTo: this.wanted };
    const pdus = items.flatMap(({ pdu }) => (pdu ? [pdu] : []));
    const edus = items.flatMap((item) => item.edus.map(eduOnTheWire));
    const ephemeral = this.#edus.take(this.#deps.now(), MAX_EDUS - edus.length);
    edus.push(...ephemeral.map(({ edu }) => ({ ...edu })));
    if (pdus.length + edus.length > 0) {
      return { txnId: this.#deps.newTxnId(), pdus, edus, items, upTo };
    }
    this.#advance(upTo); // nothing of what remained is meant for this server any more
    return undefined;
  }

  async #stretch(): Promise<Backlog> {
    const { wanted } = this;
    const part = this.#parts[0];
    if (part) {
      const { position } = part;
      return { items: [part], upTo: this.#parts.length > 1 ? position - 1 : position };
    }
    if (this.sent < this.#memory.from) {
      return this.#deps.read(this.server, this.sent, wanted, this.#most);
    }
    const all = this.#memory.all;
    const items = fitting(all, this.#most);
    const upTo = items.length < all.length ? items.at(-1)!.position : wanted;
    return { items: withoutSuperseded(items), upTo };
  }

  #advance(sent: number): void {
    this.sent = Math.max(this.sent, sent);
    this.#isKnownBehind &&= this.behind;
    this.#memory.dropUpTo(this.sent);
    if (!this.behind) this.#memory.startAfter(this.sent);
  }
}

/** The PDU and the EDUs of an item, each by itself. */
function partsOf({ position, pdu, edus }: OutboundItem): OutboundItem[] {
  const events = pdu ? [{ position, pdu, edus: [] }] : [];
  return [...events, ...edus.map((edu) => ({ position, edus: [edu] }))];
}
