import { text, type Content, type MatrixEvent, type Unchecked } from "../api/types.ts";
import { Relations } from "./relations.ts";

export type SendState = "sending" | "failed";

/** One event as the room holds it. `key` stays the same from local echo to the server's own copy. */
export interface Entry {
  readonly key: string;
  event: MatrixEvent;
  /** Present while the event is only ours. */
  pending?: { txnId: string; state: SendState; error?: unknown };
  /** True for reactions, edits and redactions: they have no line of their own. */
  hidden: boolean;
}

/** What is shown as something that a person said. */
export const MESSAGE_TYPES = new Set([
  ...["m.room.message", "m.sticker", "m.room.encrypted"],
  ...["org.matrix.msc3381.poll.start", "m.poll.start"],
]);

function entryKey(event: MatrixEvent): string {
  return event.unsigned?.transaction_id ?? event.event_id;
}

/** The id that a redaction names: top level in old rooms, in the content since version 11. */
function redactsOf(event: MatrixEvent): string | undefined {
  return (
    text<Unchecked<"m.room.redaction">>(event.content, "redacts") ??
    (typeof event.redacts === "string" ? event.redacts : undefined)
  );
}

export function isRedacted(event: MatrixEvent): boolean {
  return event.unsigned?.redacted_because !== undefined;
}

/**
 * The part of a room's history that is loaded: one unbroken stretch that ends at the newest event, and after it
 * what we are still sending. It knows nothing of the network; who changes it bumps the room's signals.
 */
export class Timeline {
  readonly relations = new Relations();
  #entries: Entry[] = [];
  #pending: Entry[] = [];
  #byId = new Map<string, Entry>();
  /** Tokens with which older events can be asked for, by the event that they stand before. */
  #tokens = new Map<string, string>();
  #redactions = new Map<string, MatrixEvent>();
  /** True when the first entry is the room's first event that we may see. */
  reachedStart = false;

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get pending(): readonly Entry[] {
    return this.#pending;
  }

  find(eventId: string): Entry | undefined {
    return this.#byId.get(eventId);
  }

  /** The newest event that the server knows of. */
  get last(): MatrixEvent | undefined {
    return this.#entries.at(-1)?.event;
  }

  /** Token for the events before the first one, or undefined when there is none to be had. */
  get prevToken(): string | undefined {
    const first = this.#entries[0];
    return first === undefined ? this.#tokens.get("") : this.#tokens.get(first.event.event_id);
  }

  /** Adds events of a sync, oldest first. A gap in front of them throws away what was loaded before. */
  append(
    events: readonly MatrixEvent[],
    options: { limited: boolean; prevToken?: string | undefined },
  ): void {
    const joins = events.some((event) => this.#byId.has(event.event_id));
    if (options.limited && !joins && events.length > 0) this.#reset();
    const fresh = events.filter((event) => !this.#byId.has(event.event_id));
    const before = fresh[0] ?? (this.#entries.length === 0 ? undefined : null);
    if (options.prevToken !== undefined && before !== null && fresh.length === events.length) {
      this.#tokens.set(before?.event_id ?? "", options.prevToken);
    }
    for (const event of fresh) {
      this.#settle(event);
      this.#entries.push(this.#admit(event));
    }
  }

  /** Adds older events in front, newest first as `/messages` gives them. `end` undefined means the room's start. */
  prepend(events: readonly MatrixEvent[], end: string | undefined): void {
    const fresh = events.filter((event) => !this.#byId.has(event.event_id));
    for (const event of fresh) this.#settle(event);
    const older = fresh.map((event) => this.#admit(event)).toReversed();
    this.#entries = [...older, ...this.#entries];
    const first = this.#entries[0];
    if (end === undefined) this.reachedStart = true;
    else if (first !== undefined) this.#tokens.set(first.event.event_id, end);
    else this.#tokens.set("", end);
  }

  #reset(): void {
    // What the server has of ours lies in the gap, or comes with the next sync.
    for (const { event } of this.#pending) {
      if (!event.event_id.startsWith("~")) this.relations.remove(event.event_id);
    }
    this.#pending = this.#pending.filter(({ event }) => event.event_id.startsWith("~"));
    this.#entries = [];
    this.#byId.clear();
    this.#tokens.clear();
    this.reachedStart = false;
  }

  #admit(event: MatrixEvent): Entry {
    const because = this.#redactions.get(event.event_id);
    const seen = because === undefined || isRedacted(event) ? event : pruned(event, because);
    const entry: Entry = { key: entryKey(seen), event: seen, hidden: this.#hides(seen) };
    this.#byId.set(event.event_id, entry);
    return entry;
  }

  #hides(event: MatrixEvent): boolean {
    if (event.type === "m.room.redaction") {
      const target = redactsOf(event);
      if (target !== undefined && !isRedacted(event)) this.#redact(target, event);
      return true;
    }
    if (isRedacted(event)) return !MESSAGE_TYPES.has(event.type) && event.state_key === undefined;
    return this.relations.add(event);
  }

  #redact(eventId: string, because: MatrixEvent): void {
    this.#redactions.set(eventId, because);
    this.relations.remove(eventId);
    const entry = this.#byId.get(eventId);
    if (entry !== undefined) entry.event = pruned(entry.event, because);
  }

  /** Drops the local echo of an event that came back from the server. */
  #settle(event: MatrixEvent): void {
    const txnId = event.unsigned?.transaction_id;
    const match = (entry: Entry): boolean =>
      entry.pending?.txnId === txnId || entry.event.event_id === event.event_id;
    const echo = this.#pending.find(match);
    if (echo === undefined) return;
    this.relations.remove(echo.event.event_id);
    this.#pending = this.#pending.filter((entry) => entry !== echo);
  }

  /** Shows an event of ours before the server has it. */
  addPending(event: MatrixEvent, txnId: string): Entry {
    const entry: Entry = {
      key: txnId,
      event,
      pending: { txnId, state: "sending" },
      hidden: this.relations.add(event),
    };
    this.#pending = [...this.#pending, entry];
    return entry;
  }

  pendingByTxn(txnId: string): Entry | undefined {
    return this.#pending.find((entry) => entry.pending?.txnId === txnId);
  }

  setPendingState(txnId: string, state: SendState, error?: unknown): void {
    const entry = this.pendingByTxn(txnId);
    if (entry !== undefined) entry.pending = { txnId, state, error };
  }

  /** The server answered a send. Its copy may have come by sync already; else it follows. */
  sent(txnId: string, eventId: string): void {
    const entry = this.pendingByTxn(txnId);
    if (entry === undefined) return;
    if (this.#byId.has(eventId)) {
      this.discard(txnId);
      return;
    }
    this.relations.remove(entry.event.event_id);
    entry.event = { ...entry.event, event_id: eventId };
    this.relations.add(entry.event);
  }

  discard(txnId: string): void {
    const entry = this.pendingByTxn(txnId);
    if (entry !== undefined) this.relations.remove(entry.event.event_id);
    this.#pending = this.#pending.filter((one) => one !== entry);
  }

  /** Puts what was read in the place of an event that came encrypted. Answers whether it is here. */
  decrypted(event: MatrixEvent): boolean {
    const entry = this.#byId.get(event.event_id);
    if (entry === undefined || isRedacted(entry.event)) return false;
    this.relations.remove(event.event_id);
    entry.event = event;
    entry.hidden = this.#hides(event);
    return true;
  }

  /** Takes a redaction of ours into account before the server confirms it. */
  redactLocally(eventId: string, because: MatrixEvent): void {
    this.#redact(eventId, because);
  }

  /** The last events from a point where paging back can go on, at least `least` of them when there are as many. */
  tail(least: number): { events: MatrixEvent[]; prevToken?: string; reachedStart: boolean } {
    for (let index = Math.max(0, this.#entries.length - least); index >= 0; index--) {
      const first = this.#entries[index];
      const token = first === undefined ? undefined : this.#tokens.get(first.event.event_id);
      if (token === undefined && index > 0) continue;
      const events = this.#entries.slice(index).map((entry) => entry.event);
      const start = this.reachedStart && index === 0;
      return token === undefined
        ? { events, reachedStart: start }
        : { events, prevToken: token, reachedStart: start };
    }
    return { events: [], reachedStart: this.reachedStart };
  }
}

const KEPT_CONTENT: Record<string, readonly string[]> = { "m.room.member": ["membership"] };

/** The event without what a redaction takes away, as far as a reader can tell. */
function pruned(event: MatrixEvent, because: MatrixEvent): MatrixEvent {
  const content: Content = {};
  for (const key of KEPT_CONTENT[event.type] ?? []) content[key] = event.content[key];
  return { ...event, content, unsigned: { ...event.unsigned, redacted_because: because } };
}
