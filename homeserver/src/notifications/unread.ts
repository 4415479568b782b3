import type { PushRules } from "../users/data/push-rules.ts";
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import { createYielder } from "../platform/yielder.ts";
import { newBudget } from "../protocol/glob.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { type CompiledRules, evaluate, type PushOutcome } from "../protocol/push/push-rules.ts";
import type { Room, RoomView, StateRoot, StoredEvent } from "../rooms/api/index.ts";
import { contextInThread, type FollowedThreads } from "./followed-threads.ts";
import type { PushContexts } from "./push-context.ts";

interface Counts {
  notify: number;
  highlight: number;
}

/** Unread counts of a room: in the main timeline, and by thread root. */
export interface Unread {
  /** What the user's receipts say. */
  readonly read: ReadPositions;
  readonly main: Counts;
  readonly threads: ReadonlyMap<string, Counts>;
}

/**
 * Up to which log position a user has read: everywhere (`""`), in the main timeline (`"main"`), or
 * in a thread.
 */
export type ReadPositions = ReadonlyMap<string, number>;

/** Whether receipts cover an event at a position, in a thread or (undefined) outside of all. */
export function isRead(read: ReadPositions, thread: string | undefined, position: number): boolean {
  return position <= Math.max(read.get("") ?? 0, read.get(thread ?? "main") ?? 0);
}

/** Events of a room during which its state did not change. */
export interface UnchangedRange {
  readonly events: readonly StoredEvent[];
  /** Root of that state. */
  readonly root: string;
}

/** The recent events that counting reads. Ranges are after < position ≤ upTo. */
export interface CountedEvents {
  /** The newest `limit` accepted live events of a range, also across gaps. */
  across(roomNid: number, after: number, upTo: number, limit: number): Promise<StoredEvent[]>;
  /** The same from memory only: nids, and the root of the room's state if it did not change. */
  peekAcross(
    roomNid: number,
    after: number,
    upTo: number,
    limit: number,
  ): { readonly nids: readonly number[]; readonly unchangedRoot: string | undefined } | undefined;
  /** Root of the room's current state as of a position; null when the room had none then. */
  rootAt(roomNid: number, position: number): Promise<StateRoot>;
}

/** A reader's membership of a room. */
export interface CountedRoom {
  readonly roomNid: number;
  /** nid of the member event. */
  readonly eventNid: number;
  /**
   * Log position since which this membership has held without interruption, as far as memory knows.
   */
  readonly heldSince: number;
}

/** The user to count for. */
export interface CountReader {
  readonly userId: UserId;
  /** Users whose events do not count, since they are not shown. */
  readonly ignored: ReadonlySet<string>;
}

interface CachedCounts {
  readonly read: ReadPositions;
  readonly main: Counts;
  readonly threads: Map<string, Counts>;
  evaluatedTo: number;
}

/** When more events than this are unread, they are not counted one by one. */
const MAX_EVENTS = 1000;
/**
 * How long events are evaluated before other work gets a chance. What needs more steps than the
 * second limit is not done in one go.
 */
const BURST_MS = 2;
const MAX_STEPS = 2_000_000;
/** How many profile changes are walked back at most to find the join. */
const MAX_PROFILES = 50;

/**
 * Unread counts, evaluated when they are read (docs/decisions/0004): applies the user's push rules
 * to the events since the last evaluation. (Client-server API, "Receiving notifications" and
 * "Threads".)
 */
export function createUnread(deps: {
  readonly recent: CountedEvents;
  readonly view: RoomView;
  readonly contexts: PushContexts;
  readonly followedThreads: Pick<FollowedThreads, "of">;
  readonly rulesOf: (userId: UserId) => Promise<CompiledRules>;
  readonly peekRules: PushRules["peek"];
  readonly readPositions: (reader: {
    readonly userId: UserId;
    readonly roomNid: number;
  }) => Promise<ReadPositions>;
}) {
  const cached = new LRUCache<string, Map<number, CachedCounts>>(atMost(20_000));
  /** Counts being made; `stale` when their input changed meanwhile. */
  const pending = new Set<{ userId: string; roomNid: number; stale: boolean }>();

  function cachedOf(userId: string): Map<number, CachedCounts> {
    let ofUser = cached.get(userId);
    if (!ofUser) cached.set(userId, (ofUser = new Map()));
    return ofUser;
  }

  /** Position of the join: the present member event may only have changed the profile. */
  async function joinedAt(userId: UserId, userRoom: CountedRoom): Promise<number> {
    let [nid, position] = [userRoom.eventNid, userRoom.heldSince];
    for (let i = 0; i < MAX_PROFILES; i += 1) {
      const stored = (await deps.view.events([nid])).get(nid);
      position = Math.min(position, stored?.position ?? position);
      const key = ["m.room.member", userId] as const;
      const [before] = await deps.view.stateEventsAt(stored?.stateBefore ?? null, [key]);
      if (before?.event.content.membership !== "join") break;
      nid = before.nid;
    }
    return position;
  }

  async function cachedFor(userId: UserId, userRoom: CountedRoom): Promise<CachedCounts> {
    const known = cachedOf(userId).get(userRoom.roomNid);
    if (known) return known;
    const mark = { userId, roomNid: userRoom.roomNid, stale: false };
    pending.add(mark);
    try {
      const read = await deps.readPositions({ userId, roomNid: userRoom.roomNid });
      const readTo = read.get("") ?? 0;
      const from =
        readTo < userRoom.heldSince ? await joinedAt(userId, userRoom) : userRoom.heldSince;
      const made = cachedOf(userId).get(userRoom.roomNid);
      if (made) return made;
      const evaluatedTo = Math.max(from, readTo);
      const known = { read, main: { notify: 0, highlight: 0 }, threads: new Map(), evaluatedTo };
      if (!mark.stale) cachedOf(userId).set(userRoom.roomNid, known);
      return known;
    } finally {
      pending.delete(mark);
    }
  }

  /** Adds the events after the last evaluation. */
  async function advance(
    known: CachedCounts,
    room: Room,
    { userId, ignored }: CountReader,
    upTo: number,
  ): Promise<void> {
    const from = known.evaluatedTo;
    const events = await deps.recent.across(room.nid, from, upTo, MAX_EVENTS);
    const notIgnored = events.filter(({ event }) => !ignored.has(event.sender));
    const looked = notIgnored.filter((stored) => counts(stored, userId, deps.view));
    const related = looked.filter(({ event }) => event.content["m.relates_to"]);
    const threads: Threads = new Map();
    await Promise.all(
      related.map(async (stored) => threads.set(stored, await deps.view.threadOf(stored))),
    );
    const needsRules = looked.some(({ event }) => event.sender !== userId);
    const root = needsRules ? await deps.recent.rootAt(room.nid, upTo) : null;
    const [rules, context] = needsRules
      ? await Promise.all([deps.rulesOf(userId), deps.contexts.of(room, userId, root)])
      : [];
    const followed = rules && (await deps.followedThreads.of(userId, rules, looked));
    const yielder = createYielder(BURST_MS);
    const outcomes = new Map<StoredEvent, PushOutcome>();
    for (const stored of looked) {
      if (stored.event.sender === userId) continue;
      const seen = contextInThread(context!(stored.event.sender), followed!.get(stored));
      outcomes.set(stored, evaluate(rules!, stored.event, seen));
      await yielder.pauseIfDue();
    }
    if (known.evaluatedTo !== from) return; // another request was faster
    for (const stored of looked) {
      const thread = threads.get(stored);
      const outcome = outcomes.get(stored);
      if (outcome === undefined) clear(known, thread);
      else count(known, stored, thread, outcome);
    }
    known.evaluatedTo = Math.max(known.evaluatedTo, upTo);
  }

  /** The events after the last evaluation, and the state during them, from memory only. */
  function peekRange(roomNid: number, after: number, upTo: number): UnchangedRange | undefined {
    const range = deps.recent.peekAcross(roomNid, after, upTo, MAX_EVENTS);
    const events = range && deps.view.peekEvents(range.nids);
    if (!events || range.unchangedRoot === undefined) return undefined;
    return { events, root: range.unchangedRoot };
  }

  /** `advance` from memory only: false, and nothing done, when something is not in memory. */
  function advanceNow(
    known: CachedCounts,
    roomNid: number,
    userId: UserId,
    upTo: number,
    range: UnchangedRange | undefined,
  ): boolean {
    if (!range) return false;
    const looked = range.events.filter((stored) => counts(stored, userId, deps.view));
    if (looked.some(({ event }) => event.content["m.relates_to"])) return false;
    const rules = deps.peekRules(userId);
    const context = deps.contexts.peek(roomNid, userId, range.root);
    if (!rules || !context) return false;
    const budget = newBudget(MAX_STEPS);
    const outcomes: (PushOutcome | undefined)[] = [];
    for (const { event } of looked) {
      const isOwn = event.sender === userId;
      outcomes.push(isOwn ? undefined : evaluate(rules, event, context(event.sender), budget));
      if (budget.steps < 0) return false;
    }
    for (const [at, stored] of looked.entries()) {
      const outcome = outcomes[at];
      if (outcome === undefined) clear(known, undefined);
      else count(known, stored, undefined, outcome);
    }
    known.evaluatedTo = upTo;
    return true;
  }

  return {
    /** Counts as of `upTo`, for a user who is joined. */
    async of(
      reader: CountReader,
      room: Room,
      userRoom: CountedRoom,
      upTo: number,
    ): Promise<Unread> {
      const known = await cachedFor(reader.userId, userRoom);
      // Another request may have counted less far meanwhile.
      while (known.evaluatedTo < upTo) await advance(known, room, reader, upTo);
      return known;
    },

    /**
     * The same from memory only, for users who ignore nobody; undefined when something is not in
     * memory. `range` holds the events after `after`, which is mostly where the evaluation stands.
     */
    peek(
      userId: UserId,
      roomNid: number,
      upTo: number,
      after: number,
      range: UnchangedRange,
    ): Unread | undefined {
      const known = cached.get(userId)?.get(roomNid);
      if (!known) return undefined;
      const from = known.evaluatedTo;
      if (from >= upTo) return known;
      const news = from === after ? range : peekRange(roomNid, from, upTo);
      return advanceNow(known, roomNid, userId, upTo, news) ? known : undefined;
    },

    /** The user's receipts or membership in the room changed: count again from there. */
    forget(userId: string, roomNid: number): void {
      cached.peek(userId)?.delete(roomNid);
      for (const mark of pending) {
        if (mark.userId === userId && mark.roomNid === roomNid) mark.stale = true;
      }
    },

    /** The user's push rules or ignore list changed: count everything again. */
    forgetUser(userId: string): void {
      cached.delete(userId);
      for (const mark of pending) if (mark.userId === userId) mark.stale = true;
    },
  };
}

type Threads = Map<StoredEvent, string | undefined>;

/**
 * Whether an event is to be counted. By the user themselves a message does, which marks everything
 * before it as read, and a state change does not; by others what is still there.
 */
function counts(stored: StoredEvent, userId: UserId, view: Pick<RoomView, "isOver">): boolean {
  const { event, redactedBy } = stored;
  if (event.sender === userId) return event.stateKey === undefined;
  return redactedBy === null && !view.isOver(stored);
}

function count(
  known: CachedCounts,
  stored: StoredEvent,
  thread: string | undefined,
  outcome: PushOutcome,
): void {
  if (stored.position! <= (known.read.get(thread ?? "main") ?? 0)) return;
  if (!outcome.notify) return;
  let counts = known.main;
  if (thread !== undefined) {
    counts = known.threads.get(thread) ?? { notify: 0, highlight: 0 };
    known.threads.set(thread, counts);
  }
  counts.notify += 1;
  if (outcome.highlight) counts.highlight += 1;
}

/** Everything up to here is read, in one thread or outside of all threads. */
function clear(known: CachedCounts, thread: string | undefined): void {
  if (thread !== undefined) known.threads.delete(thread);
  else Object.assign(known.main, { notify: 0, highlight: 0 });
}

export type UnreadCounts = ReturnType<typeof createUnread>;
