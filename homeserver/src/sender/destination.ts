import { EduQueue, type PendingEdu } from "./edus.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** One of our events on its way. */
export interface OutboundPdu {
  readonly position: number;
  readonly pdu: JsonObject;
}

/** Transactions carry at most this many PDUs. (Server-server API, "Transactions".) */
export const MOST_PDUS = 50;
/** More events than this are read from the database again when their turn comes. */
const MOST_IN_MEMORY = 500;

export interface Transaction {
  readonly txnId: string;
  readonly pdus: JsonObject[];
  readonly edus: JsonObject[];
  /** Our events up to here are delivered with it. */
  readonly upTo: number;
}

export interface DestinationDeps {
  /** Puts a transaction through. Rejects when the server did not take it. */
  readonly send: (server: ServerName, transaction: Transaction) => Promise<void>;
  /** The next of our events for this server from the database. */
  readonly read: (server: ServerName, after: number, upTo: number) => Promise<OutboundPdu[]>;
  /** True unless the server failed and is left alone for now. */
  readonly mayTry: (server: ServerName) => boolean;
  /** Called when it shall be tried again later. */
  readonly waits: (destination: Destination) => void;
  readonly delivered: (destination: Destination) => void;
  readonly now: () => number;
  readonly newTxnId: () => string;
  readonly warn: (server: ServerName, error: unknown) => void;
}

/**
 * What one server is still to get, in the order of the log; at most one transaction is in flight. The durable
 * part is two positions: everything of ours in (sent, wanted] is sent, from memory or else from the database.
 */
export class Destination {
  readonly server: ServerName;
  /** Our events up to here have been delivered. */
  sent: number;
  /** The last of our events that is meant for this server. */
  wanted: number;
  readonly #deps: DestinationDeps;
  readonly #edus = new EduQueue();
  /** The newest events; complete after `#memoryFrom`. */
  #memory: OutboundPdu[] = [];
  #memoryFrom: number;
  /** A transaction that was not taken is sent again as it was. */
  #unanswered: Transaction | undefined;
  #running = false;

  constructor(server: ServerName, at: { sent: number; wanted: number }, deps: DestinationDeps) {
    this.server = server;
    this.sent = at.sent;
    this.wanted = at.wanted;
    this.#memoryFrom = at.wanted;
    this.#deps = deps;
  }

  get behind(): boolean {
    return this.wanted > this.sent;
  }

  get idle(): boolean {
    return !this.#running && !this.behind && this.#edus.empty && !this.#unanswered;
  }

  /** An event for this server; positions rise. */
  add(event: OutboundPdu): void {
    if (event.position <= this.wanted) return;
    // Nothing was meant for this server since the last one, so nothing is skipped.
    if (!this.behind) this.sent = Math.max(this.sent, event.position - 1);
    if (!this.behind) this.#memoryFrom = this.sent;
    this.wanted = event.position;
    this.#memory.push(event);
    if (this.#memory.length > MOST_IN_MEMORY) {
      this.#memoryFrom = this.#memory.shift()!.position;
    }
  }

  addEdu(edu: PendingEdu): void {
    this.#edus.add(edu);
  }

  /** Sends what there is, one transaction after another, until nothing is left or the server fails. */
  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (;;) {
        if (!this.#deps.mayTry(this.server)) return this.#deps.waits(this);
        const transaction = (this.#unanswered ??= await this.#next());
        if (!transaction && !this.behind && this.#edus.empty) return;
        if (!transaction) continue;
        await this.#deps.send(this.server, transaction);
        this.#unanswered = undefined;
        this.#advance(transaction.upTo);
        this.#deps.delivered(this);
      }
    } catch (error) {
      this.#deps.warn(this.server, error);
      this.#deps.waits(this);
    } finally {
      this.#running = false;
    }
  }

  async #next(): Promise<Transaction | undefined> {
    const wanted = this.wanted;
    const events = this.behind ? await this.#eventsUpTo(wanted) : [];
    // Fewer than a full transaction are all that there were up to `wanted`.
    const upTo = events.length === MOST_PDUS ? events.at(-1)!.position : wanted;
    const edus = this.#edus.take(this.#deps.now()).map(({ edu }) => ({ ...edu }));
    if (events.length + edus.length > 0) {
      return { txnId: this.#deps.newTxnId(), pdus: events.map((e) => e.pdu), edus, upTo };
    }
    this.#advance(upTo); // what was meant for this server is not any more
    return undefined;
  }

  async #eventsUpTo(wanted: number): Promise<OutboundPdu[]> {
    if (this.sent >= this.#memoryFrom) return this.#memory.slice(0, MOST_PDUS);
    return this.#deps.read(this.server, this.sent, wanted);
  }

  #advance(sent: number): void {
    this.sent = Math.max(this.sent, sent);
    this.#memory = this.#memory.filter((event) => event.position > this.sent);
    if (!this.behind) this.#memoryFrom = this.sent;
  }
}
