import { EduQueue, type PendingEdu } from "./edus.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** One of our events on its way. */
export interface OutboundPdu {
  readonly position: number;
  readonly pdu: JsonObject;
}

/** A stretch of our events for one server. */
export interface PduRange {
  readonly events: readonly OutboundPdu[];
  /** These are all up to here. */
  readonly upTo: number;
}

/** Transactions carry at most this many PDUs. (Server-server API, "Transactions".) */
export const MAX_PDUS = 50;
/** More events than this are read from the database again when their turn comes. */
const MAX_IN_MEMORY = 500;
/** A server that is not there keeps so many EDUs. */
const MAX_EDUS_IN_FLIGHT = 50;

export interface OutgoingTransaction {
  readonly txnId: string;
  readonly pdus: JsonObject[];
  readonly edus: JsonObject[];
  /** Our events up to here are delivered with it. */
  readonly upTo: number;
}

export interface DestinationDeps {
  /**
   * Puts a transaction through. "refused": the server is there and will never take it. Rejects when it may be taken
   * another time.
   */
  readonly send: (
    server: ServerName,
    transaction: OutgoingTransaction,
  ) => Promise<"taken" | "refused">;
  /** The next of our events for this server from the database, up to MAX_PDUS. */
  readonly read: (server: ServerName, after: number, upTo: number) => Promise<PduRange>;
  /** Runs a task when it is this server's turn: few transactions are under way at once. */
  readonly withSendSlot: <T>(server: ServerName, task: () => Promise<T>) => Promise<T>;
  /** True unless the server failed and is left alone for now. */
  readonly mayTry: (server: ServerName) => boolean;
  /** Called when it shall be tried again later. */
  readonly waits: (destination: Destination) => void;
  readonly delivered: (destination: Destination) => void;
  readonly now: () => number;
  readonly newTxnId: () => string;
  readonly warn: (server: ServerName, error: unknown) => void;
  /** An event that the server refuses is given up. */
  readonly givenUp: (server: ServerName, pdu: JsonObject) => void;
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
  #unanswered: OutgoingTransaction | undefined;
  /** PDUs in one transaction: fewer after one was refused, to find which of them it was. */
  #most = MAX_PDUS;
  #running = false;
  /** The server is not there: no events are kept in memory for it. */
  #isAway = false;
  /** The database says that there is something for it. */
  #isKnownBehind = false;

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

  /** It is not there, and the database knows that there is something for it: more need not be written down. */
  get isWrittenOff(): boolean {
    return this.#isAway && this.#isKnownBehind;
  }

  get idle(): boolean {
    return !this.#running && !this.behind && this.#edus.empty && !this.#unanswered;
  }

  /** Goes by what is durable: another process may have sent, or wanted to, meanwhile. */
  reset(at: { sent: number; wanted: number }): void {
    this.sent = at.sent;
    this.wanted = at.wanted;
    this.#isKnownBehind = this.behind;
    this.#forget();
  }

  /** An event for this server; positions rise. */
  add(event: OutboundPdu): void {
    const { position } = event;
    if (position <= this.wanted) return;
    if (!this.behind) {
      // Nothing was meant for this server since the last one, so nothing is skipped.
      this.sent = Math.max(this.sent, position - 1);
      this.#memory = [];
      this.#memoryFrom = this.sent;
    }
    this.wanted = position;
    if (!this.behind) return; // it was delivered before a restart
    if (this.#isAway) return this.#forget();
    this.#memory.push(event);
    if (this.#memory.length > MAX_IN_MEMORY) {
      this.#memoryFrom = this.#memory.shift()!.position;
    }
  }

  /** What is wanted has been written down. */
  written(): void {
    this.#isKnownBehind = this.behind;
  }

  addEdu(edu: PendingEdu): void {
    this.#edus.add(edu, this.#isAway ? MAX_EDUS_IN_FLIGHT : undefined);
  }

  /** Drops EDUs that say nothing of use any more. */
  dropStale(now: number): void {
    this.#edus.dropStale(now);
  }

  /** Sends what there is, one transaction after another, until nothing is left or the server fails. */
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
    // It may have waited for its turn.
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

  /** The events are in the database as well. */
  #forget(): void {
    this.#memory = [];
    this.#memoryFrom = this.wanted;
  }

  #taken({ upTo }: OutgoingTransaction): void {
    this.#most = Math.min(this.#most * 2, MAX_PDUS);
    this.#advance(upTo);
    this.#deps.delivered(this);
  }

  /** Its EDUs are dropped; PDUs are tried one by one, and the one that is refused alone is given up. */
  #refused({ pdus, edus, upTo }: OutgoingTransaction): void {
    if (edus.length > 0) return;
    if (pdus.length > 1) {
      this.#most = 1;
      return;
    }
    this.#deps.givenUp(this.server, pdus[0]!);
    this.#advance(upTo);
    this.#deps.delivered(this);
  }

  async #next(): Promise<OutgoingTransaction | undefined> {
    const { events, upTo } = this.behind
      ? await this.#stretch()
      : { events: [], upTo: this.wanted };
    const edus = this.#edus.take(this.#deps.now()).map(({ edu }) => ({ ...edu }));
    if (events.length + edus.length > 0) {
      return { txnId: this.#deps.newTxnId(), pdus: events.map((e) => e.pdu), edus, upTo };
    }
    this.#advance(upTo); // what was meant for this server is not any more
    return undefined;
  }

  async #stretch(): Promise<PduRange> {
    const { wanted } = this;
    const { events, upTo } =
      this.sent >= this.#memoryFrom
        ? { events: [...this.#memory], upTo: wanted }
        : await this.#deps.read(this.server, this.sent, wanted);
    if (events.length <= this.#most) return { events, upTo };
    const first = events.slice(0, this.#most);
    return { events: first, upTo: first.at(-1)!.position };
  }

  #advance(sent: number): void {
    this.sent = Math.max(this.sent, sent);
    this.#isKnownBehind &&= this.behind;
    this.#memory = this.#memory.filter((event) => event.position > this.sent);
    if (!this.behind) this.#memoryFrom = this.sent;
  }
}
