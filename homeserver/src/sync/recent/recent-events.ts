import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { EventRecord, ReceiptRecord } from "../../log/types.ts";
import type { RoomHistory, RoomView, StateRoot, StoredEvent } from "../../rooms/api/index.ts";

const EVENTS_KEPT = 100;
const ROOMS_KEPT = 20_000;

/** Where a live event stands, and the room's current state after it. */
interface Mark {
  readonly nid: number;
  readonly position: number;
  readonly root: StateRoot;
  readonly shown: boolean;
  /** Other servers' events in front of it were missing when it came. */
  readonly afterGap: boolean;
}

/** The newest part of one room, as the log told it. */
interface Tail {
  /** Every live event after this position is in `marks`. */
  from: number;
  /** Oldest first. */
  readonly marks: Mark[];
  /** Current state root as of `from`, and up to the first mark, when known. */
  rootAtFrom: StateRoot | undefined;
  /** Position of the last receipt. */
  receiptAt: number;
}

/** Newest events of a stretch of a room, and what the room's state was over it. */
export interface KnownStretch {
  /** Oldest first. */
  readonly nids: readonly number[];
  /** Older ones were left out, or a gap is in front: nothing of a stretch lies before its newest gap. */
  readonly limited: boolean;
  /** A gap is right in front of it. */
  readonly afterGap: boolean;
  /** Root of the room's current state from the stretch's start to its end; undefined: it changed, or is not known. */
  readonly steadyRoot: string | undefined;
  /** There were receipts, too. */
  readonly receipts: boolean;
}

/** A room's timeline between two positions, oldest first; `limited` when older ones, or a gap, are in front. */
export interface Stretch {
  readonly events: StoredEvent[];
  readonly limited: boolean;
  /** A gap is right in front of it. */
  readonly afterGap: boolean;
}

/**
 * What happened lately in each room, from memory: an incremental sync over the newest events asks no database.
 * Anything older comes from the rooms' history.
 */
export function createTails(deps: {
  readonly history: RoomHistory;
  readonly view: RoomView;
  readonly position: () => number;
}) {
  const tails = new LRUCache<number, Tail>(atMost(ROOMS_KEPT));
  /** Rooms without a tail have had nothing after this position. */
  let floor = deps.position();

  function tailFor(record: EventRecord | ReceiptRecord): Tail {
    let tail = tails.get(record.roomNid);
    if (!tail) {
      // Without a tail, nothing was appended to the room since the floor.
      tail = { from: floor, marks: [], rootAtFrom: undefined, receiptAt: 0 };
      if (tails.size >= ROOMS_KEPT) floor = record.position;
      tails.set(record.roomNid, tail);
    }
    return tail;
  }

  function trim(tail: Tail): void {
    if (tail.marks.length <= EVENTS_KEPT * 2) return;
    const last = tail.marks.splice(0, tail.marks.length - EVENTS_KEPT).at(-1)!;
    tail.from = last.position;
    tail.rootAtFrom = last.root;
  }

  /** True when memory knows everything of the room after `position`. */
  function covers(roomNid: number, position: number): boolean {
    const tail = tails.get(roomNid);
    return tail ? position >= tail.from : position >= floor;
  }

  /** See the methods of the same names; `crosses`: a gap does not end it. */
  function peek(
    roomNid: number,
    after: number,
    upTo: number,
    limit: number,
    crosses: boolean,
  ): KnownStretch | undefined {
    if (!covers(roomNid, after)) return undefined;
    const tail = tails.get(roomNid);
    const marks = tail?.marks ?? [];
    // What is asked for is most often the last event or two.
    const nids: number[] = [];
    let [limited, afterGap] = [false, false];
    let root: StateRoot | undefined;
    let isSteady = true;
    let at = marks.length - 1;
    for (; at >= 0 && marks[at]!.position > after; at -= 1) {
      const mark = marks[at]!;
      if (mark.position > upTo) continue;
      isSteady &&= root === undefined || mark.root === root;
      root = mark.root;
      if (mark.shown) {
        limited = nids.length === limit;
        if (limited) break;
        nids.push(mark.nid);
      }
      afterGap = mark.afterGap && !crosses;
      if (afterGap) break;
    }
    limited ||= afterGap;
    const rootBefore = marks[at]?.root ?? tail?.rootAtFrom;
    isSteady &&= !limited && rootBefore === (root ?? rootBefore);
    const steadyRoot = (isSteady && rootBefore) || undefined;
    const receipts = tail !== undefined && tail.receiptAt > after;
    return { nids: nids.reverse(), limited, afterGap, steadyRoot, receipts };
  }

  async function between(
    roomNid: number,
    after: number,
    upTo: number,
    limit: number,
    crosses: boolean,
  ): Promise<Stretch> {
    const known = peek(roomNid, after, upTo, limit, crosses);
    if (known) {
      const { limited, afterGap } = known;
      const found = await deps.view.events(known.nids);
      return { events: known.nids.flatMap((nid) => found.get(nid) ?? []), limited, afterGap };
    }
    const all = (await deps.history.recent([{ roomNid, after, upTo }], limit)).get(roomNid);
    const { events = [], limited = false, gapAt } = all ?? {};
    if (gapAt === undefined || crosses) return { events, limited, afterGap: false };
    const behind = events.filter(({ position }) => position! >= gapAt);
    const afterGap = !limited || behind.length < events.length || events[0]?.position === gapAt;
    return { events: behind, limited: limited || afterGap, afterGap };
  }

  return {
    /** Takes in a live event of the log, in order. */
    event(record: EventRecord): void {
      const tail = tailFor(record);
      const { eventNid: nid, position, stateRoot: root, afterGap } = record;
      tail.marks.push({ nid, position, root, shown: record.status === "accepted", afterGap });
      trim(tail);
    },

    /** States of the room's events are others now: what memory has of it goes. */
    restated(roomNid: number, position: number): void {
      tails.set(roomNid, { from: position, marks: [], rootAtFrom: undefined, receiptAt: position });
    },

    receipt(record: ReceiptRecord): void {
      tailFor(record).receiptAt = record.position;
    },

    /** Whether anything was appended to the room after the position, receipts included; undefined: not in memory. */
    changed(roomNid: number, position: number): boolean | undefined {
      const tail = tails.get(roomNid);
      if (tail && Math.max(tail.receiptAt, tail.marks.at(-1)?.position ?? 0) > position)
        return true;
      return covers(roomNid, position) ? false : undefined;
    },

    /** True when there was no event in the room after the position, as memory knows. */
    isQuiet(roomNid: number, position: number): boolean {
      const last = tails.get(roomNid)?.marks.at(-1);
      return covers(roomNid, position) && (last === undefined || last.position <= position);
    },

    /** False only when there was no receipt in the room after the position. */
    mayHaveReceipts(roomNid: number, position: number): boolean {
      const tail = tails.get(roomNid);
      return tail ? position < tail.from || tail.receiptAt > position : position < floor;
    },

    /**
     * Accepted live events with after < position ≤ upTo, the newest `limit` of them; undefined: not in memory. It ends
     * at a gap: what is older did not come right before.
     */
    peek(roomNid: number, after: number, upTo: number, limit: number): KnownStretch | undefined {
      return peek(roomNid, after, upTo, limit, false);
    },

    /** The same as events, from the database where need be. */
    between: (roomNid: number, after: number, upTo: number, limit: number): Promise<Stretch> =>
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
      const tail = tails.get(roomNid);
      if (tail && position >= tail.from) {
        const last = tail.marks.findLast((mark) => mark.position <= position);
        if (last) return last.root;
        if (tail.rootAtFrom !== undefined) return tail.rootAtFrom;
      }
      const roots = await deps.view.rootsAt([roomNid], position);
      const root = roots.get(roomNid) ?? null;
      // Up to the first event in memory it was the same.
      const isQuiet =
        tail && tail.from <= position && (tail.marks[0]?.position ?? Infinity) > position;
      if (isQuiet) tail.rootAtFrom = root;
      return root;
    },
  };
}

export type Tails = ReturnType<typeof createTails>;
