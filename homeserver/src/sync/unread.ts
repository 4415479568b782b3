import { LRUCache } from "lru-cache";
import type { UserId } from "../protocol/identifiers.ts";
import { type CompiledRules, evaluate, type PushContext } from "../protocol/push-rules.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Room, StoredEvent } from "../rooms/types.ts";
import type { PushContexts } from "./push-context.ts";
import type { Tails } from "./tails.ts";

export interface Counts {
  notify: number;
  highlight: number;
}

/** Unread counts of a room: outside threads, and by thread root. */
export interface Unread {
  readonly main: Counts;
  readonly threads: ReadonlyMap<string, Counts>;
}

/** Up to which log position a user has read: everywhere (`""`), in the main timeline (`"main"`), per thread. */
export type ReadPositions = ReadonlyMap<string, number>;

interface Memo {
  readonly read: ReadPositions;
  readonly main: Counts;
  readonly threads: Map<string, Counts>;
  evaluatedTo: number;
}

/** More unread events than this are not counted one by one. */
const MOST_EVENTS = 1000;

/**
 * Unread counts, evaluated when they are read (docs/decisions/0004): the user's push rules over the events since
 * the last evaluation. (Client-server API, "Receiving notifications" and "Threads".)
 */
export function createUnread(deps: {
  readonly tails: Tails;
  readonly contextOf: PushContexts;
  readonly rulesOf: (userId: UserId) => Promise<CompiledRules>;
  readonly readPositions: (userId: UserId, roomNid: number) => Promise<ReadPositions>;
}) {
  const memos = new LRUCache<string, Map<number, Memo>>({ max: 20_000 });

  function memosOf(userId: string): Map<number, Memo> {
    let ofUser = memos.get(userId);
    if (!ofUser) memos.set(userId, (ofUser = new Map()));
    return ofUser;
  }

  /** Adds what the events after the last evaluation bring. */
  async function advance(memo: Memo, room: Room, userId: UserId, upTo: number): Promise<void> {
    const from = memo.evaluatedTo;
    const { events } = await deps.tails.between(room.nid, from, upTo, MOST_EVENTS);
    const foreign = events.filter((e) => e.event.sender !== userId && e.redactedBy === null);
    if (foreign.length > 0) {
      const root = await deps.tails.rootAt(room.nid, upTo);
      const [rules, context] = await Promise.all([
        deps.rulesOf(userId),
        deps.contextOf(room, userId, root),
      ]);
      if (memo.evaluatedTo !== from) return; // another request was faster
      for (const stored of foreign) count(memo, stored, rules, context(stored.event.sender));
    }
    memo.evaluatedTo = Math.max(memo.evaluatedTo, upTo);
  }

  return {
    /** Counts as of `upTo`, for a user who is joined since the position `joinedAt`. */
    async of(userId: UserId, room: Room, joinedAt: number, upTo: number): Promise<Unread> {
      let memo = memosOf(userId).get(room.nid);
      if (!memo) {
        const read = await deps.readPositions(userId, room.nid);
        const evaluatedTo = Math.max(joinedAt, read.get("") ?? 0);
        memo = { read, main: { notify: 0, highlight: 0 }, threads: new Map(), evaluatedTo };
        memosOf(userId).set(room.nid, memo);
      }
      if (memo.evaluatedTo < upTo) await advance(memo, room, userId, upTo);
      return memo;
    },

    /** The user's receipts in the room moved: count again from there. */
    forget(userId: string, roomNid: number): void {
      memos.peek(userId)?.delete(roomNid);
    },

    /** The user's push rules changed: count everything again. */
    forgetUser(userId: string): void {
      memos.delete(userId);
    },
  };
}

function count(memo: Memo, stored: StoredEvent, rules: CompiledRules, context: PushContext): void {
  const thread = threadOf(stored);
  if (stored.position! <= (memo.read.get(thread ?? "main") ?? 0)) return;
  const outcome = evaluate(rules, stored.event, context);
  if (!outcome.notify) return;
  let counts = memo.main;
  if (thread !== undefined) {
    counts = memo.threads.get(thread) ?? { notify: 0, highlight: 0 };
    memo.threads.set(thread, counts);
  }
  counts.notify += 1;
  if (outcome.highlight) counts.highlight += 1;
}

/** The root of the thread that an event belongs to. */
function threadOf(stored: StoredEvent): string | undefined {
  const relation = stored.event.content["m.relates_to"] as JsonObject | undefined;
  if (relation?.rel_type !== "m.thread") return undefined;
  return typeof relation.event_id === "string" ? relation.event_id : undefined;
}

export type UnreadCounts = ReturnType<typeof createUnread>;
