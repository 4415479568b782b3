import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { EventRecord, ReceiptRecord } from "../../log/types.ts";
import type { RoomHistory, RoomView, StateRoot, StoredEvent } from "../../rooms/api/index.ts";

const EVENTS_KEPT = 100;
const ROOMS_KEPT = 20_000;

/** A live event's position, and the room's current state after it. */
interface RecentEvent {
  readonly nid: number;
  readonly position: number;
  readonly root: StateRoot;
  readonly shown: boolean;
  /** There is a gap before it: prev events were missing when it arrived. */
  readonly afterGap: boolean;
}

/** The newest events of one room, from the log. */
interface RecentOfRoom {
  /** Every live event after this position is in `events`. */
  from: number;
  /** Oldest first. */
  readonly events: RecentEvent[];
  /** Current state root as of `from` and up to the first of `events`, when known. */
  rootAtFrom: StateRoot | undefined;
  /** Position of the last receipt. */
  receiptAt: number;
}

/** The newest events of a range of a room's timeline, and the room's state during it. */
export interface CachedRange {
  /** Oldest first. */
  readonly nids: readonly number[];
  /**
   * Older events were left out, or a gap precedes these: the range never extends beyond its newest
   * gap.
   */
  readonly limited: boolean;
  /** A gap directly precedes it. */
  readonly afterGap: boolean;
  /**
   * Root of the room's current state during the whole range; undefined: it changed, or is unknown.
   */
  readonly unchangedRoot: string | undefined;
}

/**
 * A room's timeline between two positions, oldest first; `limited` when older events, or a gap,
 * precede it.
 */
export interface EventRange {
  readonly events: StoredEvent[];
  readonly limited: boolean;
  /** A gap directly precedes it. */
  readonly afterGap: boolean;
}

/** Drops the oldest events of a room, where there are too many. */
function trim(recent: RecentOfRoom): void {
  if (recent.events.length <= EVENTS_KEPT * 2) return;
  const last = recent.events.splice(0, recent.events.length - EVENTS_KEPT).at(-1)!;
  recent.from = last.position;
  recent.rootAtFrom = last.root;
}

/**
 * The most recent events of each room, in memory: an incremental sync over them needs no query.
 * Older ones come from the rooms' history.
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

  /** True when memory has everything of the room after `position`. */
  function covers(roomNid: number, position: number): boolean {
    const recent = byRoom.get(roomNid);
    return recent ? position >= recent.from : position >= floor;
  }

  /** See the methods with these names; `acrossGaps`: do not end at a gap. */
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
    // Usually only the last event or two are asked for.
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
    return { nids: nids.reverse(), limited, afterGap, unchangedRoot };
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
    const { events, limited, gapAt } = await deps.history.recent({ roomNid, after, upTo }, limit);
    if (gapAt === undefined || acrossGaps) return { events, limited, afterGap: false };
    const afterNewestGap = events.filter(({ position }) => position! >= gapAt);
    const afterGap =
      !limited || afterNewestGap.length < events.length || events[0]?.position === gapAt;
    return { events: afterNewestGap, limited: limited || afterGap, afterGap };
  }

  return {
    /** Adds a live event of the log, in order. */
    event(record: EventRecord): void {
      const recent = recentFor(record);
      const { eventNid: nid, position, stateRoot: root, afterGap } = record;
      recent.events.push({ nid, position, root, shown: record.status === "accepted", afterGap });
      trim(recent);
    },

    /** The states of the room's events have changed: drops what is in memory. */
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

    /**
     * Whether anything was appended to the room after the position, receipts included; undefined:
     * not in memory.
     */
    changed(roomNid: number, position: number): boolean | undefined {
      const recent = byRoom.get(roomNid);
      if (recent && Math.max(recent.receiptAt, recent.events.at(-1)?.position ?? 0) > position)
        return true;
      return covers(roomNid, position) ? false : undefined;
    },

    /** True when memory knows that there was no event in the room after the position. */
    isQuiet(roomNid: number, position: number): boolean {
      const last = byRoom.get(roomNid)?.events.at(-1);
      return covers(roomNid, position) && (last === undefined || last.position <= position);
    },

    /** False only when there was no receipt in the room after the position. */
    mayHaveReceipts(roomNid: number, position: number): boolean {
      const recent = byRoom.peek(roomNid);
      return recent ? position < recent.from || recent.receiptAt > position : position < floor;
    },

    /**
     * Accepted live events with after < position ≤ upTo, the newest `limit` of them; undefined: not
     * in memory. They end at a gap: older events do not directly precede them.
     */
    peek(roomNid: number, after: number, upTo: number, limit: number): CachedRange | undefined {
      return peek(roomNid, after, upTo, limit, false);
    },

    /** The same as events, from the database if necessary. */
    between: (roomNid: number, after: number, upTo: number, limit: number): Promise<EventRange> =>
      between(roomNid, after, upTo, limit, false),

    /** The same across gaps, for counting events without showing them. */
    async across(roomNid: number, after: number, upTo: number, limit: number) {
      return (await between(roomNid, after, upTo, limit, true)).events;
    },

    /** The same from memory only. */
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
      const root = await deps.view.rootAt(roomNid, position);
      // Up to the first event in memory the state was the same.
      const isQuiet =
        recent && recent.from <= position && (recent.events[0]?.position ?? Infinity) > position;
      if (isQuiet) recent.rootAtFrom = root;
      return root;
    },
  };
}

export type RecentEvents = ReturnType<typeof createRecentEvents>;
