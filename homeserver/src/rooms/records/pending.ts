/**
 * Pending events: made by a room's commands and on their way to the log. Only the commands of that
 * room see them, since a nid handed out for a failed commit belongs to no event.
 */
import { atMost, LRUCache } from "../../platform/caches.ts";
import { StaleHead } from "../../log/types.ts";
import type { EventId, RoomId } from "../../protocol/identifiers.ts";
import type { ComingEvents } from "../../storage/rooms/gaps.ts";
import { isInGraph } from "./in-graph.ts";
import type { StoredEvent } from "../api/index.ts";

/**
 * A moment in a room's sequence of commands. What was read from the tables holds as long as the
 * room `isAt` it.
 */
export interface Moment {
  readonly pending: Pending;
  readonly changes: number;
}

/** What is known about pending events, by id. */
interface PendingLookUp {
  /** True for pending events that are, or will be, in that room's graph. */
  isInGraph(id: EventId, roomId: RoomId): boolean;
  has(id: EventId): boolean;
}

/**
 * What code outside of commands may know about pending events: that they exist, but not their nids.
 */
export interface PendingIds extends PendingLookUp {
  /**
   * Pending events of now or of the time of the question. Call it before reading the tables: an
   * event committed in between would be missed in both.
   */
  fromNow(ids: Iterable<EventId>): PendingLookUp;
  /** The room's moment; undefined when no head of the room is in memory. */
  moment(roomNid: number): Moment | undefined;
  /** Starts a room's pending events, for a head that was just loaded. */
  begin(roomNid: number): Pending;
}

export interface PendingEvent {
  readonly stored: StoredEvent;
  /** Undefined: the event was stored before, and its auth events have not changed. */
  readonly authNids: readonly number[] | undefined;
}

interface Entry extends PendingEvent {
  /** The command that made it. */
  readonly maker: object;
  /** An earlier command's pending version of the same event. */
  below: Entry | undefined;
}

interface PendingId {
  readonly roomId: RoomId;
  readonly isInGraph: boolean;
}

const ROOMS_KEPT = 5_000;

export function createPendingIds(): PendingIds {
  const pendingIds = new Map<EventId, PendingId>();
  const ofRooms = new LRUCache<number, Pending>(atMost(ROOMS_KEPT));
  const isInGraphOf = (pending: PendingId | undefined, roomId: RoomId) =>
    pending?.isInGraph === true && pending.roomId === roomId;
  return {
    has: (id) => pendingIds.has(id),
    isInGraph: (id, roomId) => isInGraphOf(pendingIds.get(id), roomId),
    fromNow(ids) {
      const atFirst = new Map<EventId, PendingId>();
      for (const id of ids) {
        const pending = pendingIds.get(id);
        if (pending) atFirst.set(id, pending);
      }
      return {
        has: (id) => atFirst.has(id) || pendingIds.has(id),
        isInGraph: (id, roomId) =>
          isInGraphOf(atFirst.get(id), roomId) || isInGraphOf(pendingIds.get(id), roomId),
      };
    },
    moment(roomNid) {
      const pending = ofRooms.get(roomNid);
      return pending && { pending, changes: pending.changes };
    },
    begin(roomNid) {
      const pending = new Pending(roomNid, pendingIds);
      ofRooms.set(roomNid, pending);
      return pending;
    },
  };
}

export class Pending {
  readonly #roomNid: number;
  readonly #coming: Map<EventId, PendingId>;
  readonly #entries = new Map<number, Entry>();
  readonly #nidOf = new Map<EventId, number>();
  /** Stored events as pending redactions leave them, with the commands that made those. */
  readonly #redacted = new Map<number, { readonly stored: StoredEvent; readonly maker: object }>();
  readonly #redactedNids = new Map<EventId, number>();
  /** Commands whose append moves the head: later ones that move it fail with them. */
  readonly #fenced = new Set<object>();
  #changes = 0;
  #isGivenUp = false;

  constructor(roomNid: number, pendingIds: Map<EventId, PendingId>) {
    this.#roomNid = roomNid;
    this.#coming = pendingIds;
  }

  /**
   * Rises when something changes that adding other events depends on: redactions, gaps, positions
   * of history.
   */
  get changes(): number {
    return this.#changes;
  }

  isAt(moment: Moment | undefined): boolean {
    return moment?.pending === this && moment.changes === this.#changes;
  }

  byNid(nid: number): StoredEvent | undefined {
    return this.#redacted.get(nid)?.stored ?? this.#entries.get(nid)?.stored;
  }

  byId(id: EventId): StoredEvent | undefined {
    const nid = this.#redactedNids.get(id) ?? this.#nidOf.get(id);
    return nid === undefined ? undefined : this.byNid(nid);
  }

  /** Whether another command's pending event has this nid. */
  isOfOther(nid: number, maker: object): boolean {
    const entry = this.#entries.get(nid);
    return entry !== undefined && entry.maker !== maker;
  }

  authNids(nid: number): readonly number[] | undefined {
    return this.#entries.get(nid)?.authNids;
  }

  /** Whether an append that moves the head fails in any case when this event's commit fails. */
  isFenced(nid: number): boolean {
    const entry = this.#entries.get(nid);
    return entry !== undefined && this.#fenced.has(entry.maker);
  }

  /** The prev events named by pending events. */
  graph(): ComingEvents {
    const byAccepted: EventId[] = [];
    const byRefused: [EventId, EventId][] = [];
    for (const { stored } of this.#entries.values()) {
      const { eventId, prevEventIds } = stored.event;
      if (stored.status === "accepted") {
        if (isInGraph(stored)) byAccepted.push(...prevEventIds);
      } else byRefused.push(...prevEventIds.map((prev) => [eventId, prev] as [EventId, EventId]));
    }
    return { byAccepted, byRefused };
  }

  redactionsOf(id: EventId): StoredEvent[] {
    const found: StoredEvent[] = [];
    for (const { stored } of this.#entries.values()) {
      if (stored.event.redacts === id) found.push(stored);
    }
    return found;
  }

  /** The lowest ordinal in front of a position; 0 when there is none. */
  lowestOrdinal(position: number): number {
    let lowest = 0;
    for (const { stored } of this.#entries.values()) {
      if (stored.position === position) lowest = Math.min(lowest, stored.ordinal);
    }
    return lowest;
  }

  isTaken(position: number, ordinal: number): boolean {
    for (const { stored } of this.#entries.values()) {
      if (stored.position === position && stored.ordinal === ordinal) return true;
    }
    return false;
  }

  add(maker: object, event: PendingEvent): void {
    const { stored, authNids } = event;
    const { nid } = stored;
    const { eventId, roomId } = stored.event;
    const before = this.#entries.get(nid);
    const below = before?.maker === maker ? before.below : before;
    this.#entries.set(nid, { stored, authNids: authNids ?? before?.authNids, maker, below });
    this.#nidOf.set(eventId, nid);
    this.#coming.set(eventId, { roomId, isInGraph: isInGraph(stored) });
    this.#note(stored);
  }

  /** The command redacts a stored or pending event: later commands see the redacted one. */
  redact(maker: object, stored: StoredEvent): void {
    this.#redacted.set(stored.nid, { stored, maker });
    this.#redactedNids.set(stored.event.eventId, stored.nid);
  }

  /** The command's redactions are committed, or have failed. */
  settleRedactions(maker: object, targets: readonly StoredEvent[]): void {
    for (const { nid, event } of targets) {
      if (this.#redacted.get(nid)?.maker !== maker) continue;
      this.#redacted.delete(nid);
      this.#redactedNids.delete(event.eventId);
    }
  }

  /** A command changes the tables in another way. */
  changed(): void {
    this.#changes += 1;
  }

  /** The command's append moves the head. */
  fence(maker: object): void {
    this.#fenced.add(maker);
  }

  /** The command's events are committed, or have failed. */
  settle(maker: object, events: readonly StoredEvent[]): void {
    this.#fenced.delete(maker);
    for (const { nid, event } of events) {
      const entry = this.#entries.get(nid);
      if (entry?.maker !== maker) {
        // A later command has changed the event again.
        if (entry?.below?.maker === maker) entry.below = entry.below.below;
        continue;
      }
      this.#note(entry.stored);
      if (entry.below !== undefined) {
        this.#entries.set(nid, entry.below);
        continue;
      }
      this.#entries.delete(nid);
      this.#nidOf.delete(event.eventId);
      this.#coming.delete(event.eventId);
    }
  }

  /** A commit failed: what was read from here may be wrong. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#changes += 1;
  }

  /**
   * @throws StaleHead when a commit has failed since the head was loaded: the command has to run
   * again.
   */
  check(): void {
    if (this.#isGivenUp) throw new StaleHead(this.#roomNid);
  }

  #note({ event, ordinal }: StoredEvent): void {
    if (event.redacts !== undefined || ordinal < 0) this.#changes += 1;
  }
}
