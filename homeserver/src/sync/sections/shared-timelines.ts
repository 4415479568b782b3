import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { RoomView, StoredEvent } from "../../rooms/api/index.ts";
import type { CachedRange } from "../recent/recent-events.ts";
import { timelineText } from "./timeline.ts";

/**
 * The newest messages of a room after some position, without state changes: the same for all
 * members who are at that position.
 */
export interface SharedTimeline {
  readonly events: readonly StoredEvent[];
  /** Root of the room's state, which did not change. */
  readonly root: string;
  readonly senders: ReadonlySet<UserId>;
  /** The timeline section; the same for every joined member except the senders. */
  readonly text: string;
  /** The senders' member events. */
  readonly members: readonly StoredEvent[];
}

interface CachedTimeline {
  readonly timeline: SharedTimeline;
  /** Its events' nids. */
  readonly key: string;
  /** ms since 1970. */
  readonly madeAt: number;
}

/** How much too low `unsigned.age` may be, in ms. */
const MAX_AGE_LAG_MS = 250;
const ROOMS = 2_000;

/**
 * Renders what a new message brings to everybody once, instead of once per member. From memory
 * only: undefined when the range contains more than messages without relations, is limited, or is
 * not all in memory.
 */
export function createSharedTimelines(deps: {
  readonly view: RoomView;
  readonly now: () => number;
}) {
  const cached = new LRUCache<number, CachedTimeline>(atMost(ROOMS));

  function make(
    roomNid: number,
    nids: readonly number[],
    root: string,
  ): SharedTimeline | undefined {
    const events = deps.view.peekEvents(nids);
    if (events === undefined || events.some(deps.view.isOver)) return undefined;
    const texts = deps.view.presentToOthers(events);
    if (!texts) return undefined;
    const senders = new Set(events.map(({ event }) => event.sender));
    const keys = [...senders].map((sender) => ["m.room.member", sender] as const);
    const members = deps.view.peekState(root, keys);
    if (!members) return undefined;
    const end = { roomNid, position: events.at(-1)?.position ?? 0, ordinal: 0 };
    const text = timelineText(texts, false, events[0], end);
    return { events, root, senders, text, members };
  }

  return function sharedTimeline(
    roomNid: number,
    { nids, limited, unchangedRoot }: CachedRange,
  ): SharedTimeline | undefined {
    if (limited || unchangedRoot === undefined || nids.length === 0) return undefined;
    const key = nids.join(" ");
    const now = deps.now();
    const known = cached.get(roomNid);
    if (known?.key === key && now - known.madeAt < MAX_AGE_LAG_MS) return known.timeline;
    const made = make(roomNid, nids, unchangedRoot);
    if (made) cached.set(roomNid, { timeline: made, key, madeAt: now });
    return made;
  };
}

export type SharedTimelines = ReturnType<typeof createSharedTimelines>;
