import { EduQueue, type PendingEdu } from "./edus.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** A local event on its way to another server. */
export interface OutboundPdu {
  readonly position: number;
  readonly pdu: JsonObject;
}

/** A range of local events for one server. */
export interface PduRange {
  readonly events: readonly OutboundPdu[];
  /** It is complete up to here. */
  readonly upTo: number;
}

/** Transactions carry at most this many PDUs. (Server-server API, "Transactions".) */
export const MAX_PDUS = 50;
/** With more events than this waiting, they are read from the database again later. */
const MAX_IN_MEMORY = 500;
/** Limit on EDUs kept for a server that is not reachable. */
const MAX_EDUS_IN_FLIGHT = 50;

export interface OutgoingTransaction {
  readonly txnId: string;
  readonly pdus: JsonObject[];
  readonly edus: JsonObject[];
  /** Once it is delivered, the server has all local events up to here. */
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
  /** The next local events for this server from the database, up to MAX_PDUS. */
  readonly read: (server: ServerName, after: number, upTo: number) => Promise<PduRange>;
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
  /** Called for an event that the server refuses: it is given up. */
  readonly givenUp: (server: ServerName, pdu: JsonObject) => void;
}

/**
 * The queue for one server, in the order of the log; at most one transaction is in flight. Its
 * durable part is two positions: all local events in (sent, wanted] are sent, from memory or else
 * from the database.
 */
export class Destination {
  readonly server: ServerName;
  /** Local events up to here have been delivered. */
  sent: number;
  /** The last local event meant for this server. */
  wanted: number;
  readonly #deps: DestinationDeps;
  readonly #edus = new EduQueue();
  /** The newest events; complete after `#memoryFrom`. */
  #memory: OutboundPdu[] = [];
  #memoryFrom: number;
  /** A transaction that was not accepted is sent again unchanged. */
  #unanswered: OutgoingTransaction | undefined;
  /** Maximum PDUs per transaction: lowered after a refusal, to find the PDU that was refused. */
  #most = MAX_PDUS;
  #running = false;
  /** The server is not reachable: no events are kept in memory for it. */
  #isAway = false;
  /** The database knows that there are events for this server. */
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

  /**
   * The server is unreachable and the database knows that events wait: nothing more needs to be
   * written.
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
    this.#forget();
  }

  /** Adds an event for this server; positions rise. */
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

  /** Drops events from memory; the database has them, too. */
  #forget(): void {
    this.#memory = [];
    this.#memoryFrom = this.wanted;
  }

  #taken({ upTo }: OutgoingTransaction): void {
    this.#most = Math.min(this.#most * 2, MAX_PDUS);
    this.#advance(upTo);
    this.#deps.delivered(this);
  }

  /**
   * After a refusal: EDUs are dropped, and PDUs are sent one by one, to give up only the one that
   * is refused.
   */
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
    this.#advance(upTo); // the remaining events are no longer meant for this server
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
