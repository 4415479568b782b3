import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { EventRecord, ReceiptRecord } from "../../log/types.ts";
import type { RoomHistory, RoomView, StateRoot, StoredEvent } from "../../rooms/api/index.ts";

const EVENTS_KEPT = 100;
const ROOMS_KEPT = 20_000;

/** Where a live event stands, and the room's current state after it. */
interface RecentEvent {
  readonly nid: number;
  readonly position: number;
  readonly root: StateRoot;
  readonly shown: boolean;
  /** Other servers' events in front of it were missing when it came. */
  readonly afterGap: boolean;
}

/** The newest part of one room, as the log told it. */
interface RecentOfRoom {
  /** Every live event after this position is in `marks`. */
  from: number;
  /** Oldest first. */
  readonly events: RecentEvent[];
  /** Current state root as of `from`, and up to the first mark, when known. */
  rootAtFrom: StateRoot | undefined;
  /** Position of the last receipt. */
  receiptAt: number;
}

/** Newest events of a stretch of a room, and what the room's state was over it. */
export interface CachedRange {
  /** Oldest first. */
  readonly nids: readonly number[];
  /** Older ones were left out, or a gap is in front: nothing of a stretch lies before its newest gap. */
  readonly limited: boolean;
  /** A gap is right in front of it. */
  readonly afterGap: boolean;
  /** Root of the room's current state from the stretch's start to its end; undefined: it changed, or is not known. */
  readonly unchangedRoot: string | undefined;
  /** There were receipts, too. */
  readonly receipts: boolean;
}

/** A room's timeline between two positions, oldest first; `limited` when older ones, or a gap, are in front. */
export interface EventRange {
  readonly events: StoredEvent[];
  readonly limited: boolean;
  /** A gap is right in front of it. */
  readonly afterGap: boolean;
}

/**
 * What happened lately in each room, from memory: an incremental sync over the newest events asks no database.
 * Anything older comes from the rooms' history.
 */
export function createRecentEvents(deps: {
  readonly history: RoomHistory;
  readonly view: RoomView;
  readonly position: () => number;
}) {
  const byRoom = new LRUCache<number, RecentOfRoom>(atMost(ROOMS_KEPT));
  /** Rooms that are not in `byRoom` have had nothing after this position. */
  let floor = deps.position();

  function recentFor(record: EventRecord | ReceiptRecord): RecentOfRoom {
    let recent = byRoom.get(record.roomNid);
    if (!recent) {
      // Nothing was appended to the room since the floor.
      recent = { from: floor, events: [], rootAtFrom: undefined, receiptAt: 0 };
      if (byRoom.size >= ROOMS_KEPT) floor = record.position;
      byRoom.set(record.roomNid, recent);
    }
    return recent;
  }

  function trim(recent: RecentOfRoom): void {
    if (recent.events.length <= EVENTS_KEPT * 2) return;
    const last = recent.events.splice(0, recent.events.length - EVENTS_KEPT).at(-1)!;
    recent.from = last.position;
    recent.rootAtFrom = last.root;
  }

  /** True when memory knows everything of the room after `position`. */
  function covers(roomNid: number, position: number): boolean {
    const recent = byRoom.get(roomNid);
    return recent ? position >= recent.from : position >= floor;
  }

  /** See the methods of the same names; `acrossGaps`: a gap does not end it. */
  function peek(
    roomNid: number,
    after: number,
    upTo: number,
    limit: number,
    acrossGaps: boolean,
  ): CachedRange | undefined {
    if (!covers(roomNid, after)) return undefined;
    const recent = byRoom.get(roomNid);
    const events = recent?.events ?? [];
    // What is asked for is most often the last event or two.
    const nids: number[] = [];
    let [limited, afterGap] = [false, false];
    let root: StateRoot | undefined;
    let isUnchanged = true;
    let at = events.length - 1;
    for (; at >= 0 && events[at]!.position > after; at -= 1) {
      const event = events[at]!;
      if (event.position > upTo) continue;
      isUnchanged &&= root === undefined || event.root === root;
      root = event.root;
      if (event.shown) {
        limited = nids.length === limit;
        if (limited) break;
        nids.push(event.nid);
      }
      afterGap = event.afterGap && !acrossGaps;
      if (afterGap) break;
    }
    limited ||= afterGap;
    const rootBefore = events[at]?.root ?? recent?.rootAtFrom;
    isUnchanged &&= !limited && rootBefore === (root ?? rootBefore);
    const unchangedRoot = (isUnchanged && rootBefore) || undefined;
    const receipts = recent !== undefined && recent.receiptAt > after;
    return { nids: nids.reverse(), limited, afterGap, unchangedRoot, receipts };
  }

  async function between(
    roomNid: number,
    after: number,
    upTo: number,
    limit: number,
    acrossGaps: boolean,
  ): Promise<EventRange> {
    const known = peek(roomNid, after, upTo, limit, acrossGaps);
    if (known) {
      const { limited, afterGap } = known;
      const found = await deps.view.events(known.nids);
      return { events: known.nids.flatMap((nid) => found.get(nid) ?? []), limited, afterGap };
    }
    const all = (await deps.history.recent([{ roomNid, after, upTo }], limit)).get(roomNid);
    const { events = [], limited = false, gapAt } = all ?? {};
    if (gapAt === undefined || acrossGaps) return { events, limited, afterGap: false };
    const afterNewestGap = events.filter(({ position }) => position! >= gapAt);
    const afterGap =
      !limited || afterNewestGap.length < events.length || events[0]?.position === gapAt;
    return { events: afterNewestGap, limited: limited || afterGap, afterGap };
  }

  return {
    /** Takes in a live event of the log, in order. */
    event(record: EventRecord): void {
      const recent = recentFor(record);
      const { eventNid: nid, position, stateRoot: root, afterGap } = record;
      recent.events.push({ nid, position, root, shown: record.status === "accepted", afterGap });
      trim(recent);
    },

    /** States of the room's events are others now: what memory has of it goes. */
    statesRecomputed(roomNid: number, position: number): void {
      byRoom.set(roomNid, {
        from: position,
        events: [],
        rootAtFrom: undefined,
        receiptAt: position,
      });
    },

    receipt(record: ReceiptRecord): void {
      recentFor(record).receiptAt = record.position;
    },

    /** Whether anything was appended to the room after the position, receipts included; undefined: not in memory. */
    changed(roomNid: number, position: number): boolean | undefined {
      const recent = byRoom.get(roomNid);
      if (recent && Math.max(recent.receiptAt, recent.events.at(-1)?.position ?? 0) > position)
        return true;
      return covers(roomNid, position) ? false : undefined;
    },

    /** True when there was no event in the room after the position, as memory knows. */
    isQuiet(roomNid: number, position: number): boolean {
      const last = byRoom.get(roomNid)?.events.at(-1);
      return covers(roomNid, position) && (last === undefined || last.position <= position);
    },

    /** False only when there was no receipt in the room after the position. */
    mayHaveReceipts(roomNid: number, position: number): boolean {
      const recent = byRoom.get(roomNid);
      return recent ? position < recent.from || recent.receiptAt > position : position < floor;
    },

    /**
     * Accepted live events with after < position ≤ upTo, the newest `limit` of them; undefined: not in memory. It ends
     * at a gap: what is older did not come right before.
     */
    peek(roomNid: number, after: number, upTo: number, limit: number): CachedRange | undefined {
      return peek(roomNid, after, upTo, limit, false);
    },

    /** The same as events, from the database where need be. */
    between: (roomNid: number, after: number, upTo: number, limit: number): Promise<EventRange> =>
      between(roomNid, after, upTo, limit, false),

    /** The same across gaps: for what counts events, and shows none. */
    async across(roomNid: number, after: number, upTo: number, limit: number) {
      return (await between(roomNid, after, upTo, limit, true)).events;
    },

    /** The same from memory alone. */
    peekAcross: (roomNid: number, after: number, upTo: number, limit: number) =>
      peek(roomNid, after, upTo, limit, true),

    /** Root of the room's current state as of a position; null when the room had none then. */
    async rootAt(roomNid: number, position: number): Promise<StateRoot> {
      const recent = byRoom.get(roomNid);
      if (recent && position >= recent.from) {
        const last = recent.events.findLast((event) => event.position <= position);
        if (last) return last.root;
        if (recent.rootAtFrom !== undefined) return recent.rootAtFrom;
      }
      const roots = await deps.view.rootsAt([roomNid], position);
      const root = roots.get(roomNid) ?? null;
      // Up to the first event in memory it was the same.
      const isQuiet =
        recent && recent.from <= position && (recent.events[0]?.position ?? Infinity) > position;
      if (isQuiet) recent.rootAtFrom = root;
      return root;
    },
  };
}

export type RecentEvents = ReturnType<typeof createRecentEvents>;
