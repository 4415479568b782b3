import type { MatrixEvent } from "../api/types.ts";
import { entryKey, MESSAGE_TYPES, type Entry, type SendState } from "./entry.ts";
import { isRedacted, pruned, redactsOf } from "./redactions.ts";
import { threadOf, type Relations } from "./relations.ts";
import { RoomRecord } from "./room-record.ts";

export { isRedacted } from "./redactions.ts";

export { MESSAGE_TYPES, type Entry, type SendState } from "./entry.ts";

/** Entries that one stretch holds at most; what lies further from the reader is fetched again when it is wanted. */
const MAX_ENTRIES = 6000;
const KEPT_ENTRIES = 4000;

/**
 * An unbroken stretch of a room's history, or of a thread in it. That of the room itself ends at the newest event, with what we
 * are still sending after it; others begin where somebody was led to. It knows nothing of the network; who changes it bumps
 * the room's signals.
 */
export class Timeline {
  readonly record: RoomRecord;
  /** The event that began the thread whose messages these are; undefined for those of the room. */
  readonly thread: string | undefined;
  #entries: Entry[] = [];
  #pending: Entry[] = [];
  #byId = new Map<string, Entry>();
  /** Tokens with which older events can be asked for, by the event that they stand before. */
  #tokens = new Map<string, string>();
  /** Token for what comes after the last entry; undefined when that is the newest event. */
  nextToken: string | undefined;
  /** True when the first entry is the room's first event that we may see. */
  reachedStart = false;
  /** True when something came that this stretch, which ends at the newest event, does not hold. */
  isBehind = false;
  /** True once another stretch has taken what is here. */
  isJoined = false;

  constructor(record = new RoomRecord(), thread?: string) {
    this.record = record;
    this.thread = thread;
    record.stretches.add(this);
  }

  get relations(): Relations {
    return this.record.relations;
  }

  /** An empty stretch for what lies before another one: for reading on, and not for looking at. */
  static before(other: Timeline): Timeline {
    const stretch = new Timeline(other.record);
    stretch.reachedStart = other.reachedStart;
    stretch.nextToken = other.prevToken ?? "";
    if (other.prevToken !== undefined) stretch.#tokens.set("", other.prevToken);
    return stretch;
  }

  /** Nobody looks at it any more. */
  close(): void {
    this.record.stretches.delete(this);
  }

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

  /** Adds events of a sync, oldest first. Answers whether there is a gap in front of them, which throws away what was loaded. */
  append(
    events: readonly MatrixEvent[],
    { limited, prevToken }: { limited: boolean; prevToken?: string | undefined },
  ): boolean {
    const joint = events.findIndex((event) => this.#byId.has(event.event_id));
    const isGap = limited && joint < 0;
    if (isGap && events.length > 0) this.#reset();
    // What reaches further back than what is held belongs in front of it.
    const isLonger = joint > 0 && events[joint]!.event_id === this.#entries[0]?.event.event_id;
    const start = prevToken ?? this.prevToken;
    if (isLonger) this.prepend(events.slice(0, joint).toReversed(), start);
    const fresh = events.filter((event) => !this.#byId.has(event.event_id));
    const before = fresh[0] ?? (this.#entries.length === 0 ? undefined : null);
    if (prevToken !== undefined && before !== null && fresh.length === events.length) {
      this.#tokens.set(before?.event_id ?? "", prevToken);
    }
    for (const event of fresh) this.#settle(event);
    for (const event of fresh) this.#entries.push(this.#admit(event));
    return isGap;
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

  /** Fills an empty stretch: events oldest first, with the tokens for what lies before and after them. */
  fill(events: readonly MatrixEvent[], prev: string | undefined, next: string | undefined): void {
    this.append(events, { limited: false, prevToken: prev });
    this.reachedStart = prev === undefined;
    this.nextToken = next;
  }

  /** Adds newer events at the end, oldest first. `end` undefined means that the last is the newest there is. */
  extend(events: readonly MatrixEvent[], end: string | undefined): void {
    const fresh = events.filter((event) => !this.#byId.has(event.event_id));
    const before = this.nextToken;
    const first = fresh[0];
    if (first !== undefined && before !== undefined) this.#tokens.set(first.event_id, before);
    for (const event of fresh) this.#entries.push(this.#admit(event));
    this.nextToken = end;
  }

  /** Takes the entries of a stretch that reaches into this one, and stands before it. Answers whether it does. */
  join(older: Timeline): boolean {
    const first = this.#entries[0];
    if (first === undefined) return false;
    const overlap = older.#entries.findIndex(
      ({ event }) => event.event_id === first.event.event_id,
    );
    if (overlap < 0) return false;
    const added = older.#entries.slice(0, overlap);
    this.#entries = [...added, ...this.#entries];
    for (const entry of added) this.#byId.set(entry.event.event_id, entry);
    for (const [eventId, token] of older.#tokens) {
      if (!this.#tokens.has(eventId)) this.#tokens.set(eventId, token);
    }
    if (added.length > 0) this.reachedStart = older.reachedStart;
    older.isJoined = true;
    return true;
  }

  /** Lets go of what lies furthest from the end that was added to, when there is too much. */
  trim(side: "oldest" | "newest"): void {
    if (this.#entries.length <= MAX_ENTRIES) return;
    const spare = this.#entries.length - KEPT_ENTRIES;
    if (side === "oldest") this.#cutBefore(this.#boundary(spare, 1));
    else this.#cutFrom(this.#boundary(KEPT_ENTRIES, -1));
  }

  /** Lets go of all entries, and keeps where one pages back from. */
  dropAll(): void {
    const token = this.prevToken;
    this.#forget(this.#entries);
    this.#entries = [];
    if (token !== undefined) this.#tokens.set("", token);
  }

  /** A stretch with the older part of what is here, when there is too much of it: this one keeps the newest. */
  split(): Timeline | undefined {
    if (this.#entries.length <= MAX_ENTRIES) return undefined;
    const at = this.#boundary(KEPT_ENTRIES, -1);
    if (at === undefined) return undefined;
    const older = new Timeline(this.record);
    older.#entries = [...this.#entries];
    older.#byId = new Map(this.#byId);
    older.#tokens = new Map(this.#tokens);
    older.reachedStart = this.reachedStart;
    older.#cutFrom(at);
    this.#cutBefore(at);
    return older;
  }

  /** The place nearest to `from`, in this direction, in front of which paging can go on. */
  #boundary(from: number, step: 1 | -1): number | undefined {
    for (let at = from; at > 0 && at < this.#entries.length; at += step) {
      if (this.#tokens.has(this.#entries[at]!.event.event_id)) return at;
    }
    return undefined;
  }

  #cutBefore(at: number | undefined): void {
    if (at === undefined) return;
    this.#forget(this.#entries.splice(0, at));
    this.reachedStart = false;
  }

  #cutFrom(at: number | undefined): void {
    if (at === undefined) return;
    this.nextToken = this.#tokens.get(this.#entries[at]!.event.event_id);
    this.#forget(this.#entries.splice(at));
  }

  #forget(entries: readonly Entry[]): void {
    for (const { event } of entries) {
      this.#byId.delete(event.event_id);
      this.#tokens.delete(event.event_id);
    }
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
    const held = this.record.find(event.event_id);
    if (held !== undefined) {
      this.record.threads.begun(event);
      this.#byId.set(event.event_id, held);
      return held;
    }
    const because = this.record.redactions.get(event.event_id);
    const seen = because === undefined || isRedacted(event) ? event : pruned(event, because);
    const hidden = this.#hides(seen);
    const entry: Entry = { key: entryKey(seen), event: seen, hidden, thread: threadOf(seen) };
    this.#note(entry);
    this.#byId.set(event.event_id, entry);
    return entry;
  }

  /** What the event says of threads. */
  #note({ event, thread, hidden }: Entry): void {
    const { threads } = this.record;
    if (isRedacted(event)) return;
    if (thread !== undefined && !hidden) threads.replied(event, thread);
    else threads.begun(event);
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
    this.record.redactions.set(eventId, because);
    this.relations.remove(eventId);
    this.record.threads.remove(eventId);
    const entry = this.record.find(eventId);
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
      thread: threadOf(event),
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
    const entry = this.record.find(event.event_id);
    if (entry === undefined || isRedacted(entry.event)) return false;
    this.relations.remove(event.event_id);
    entry.event = event;
    entry.hidden = this.#hides(event);
    entry.thread = threadOf(event);
    this.#note(entry);
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
