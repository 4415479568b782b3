import { matchesEvent } from "../../protocol/filter.ts";
import type { VisibleEvent, RoomView, StoredEvent } from "../../rooms/api/index.ts";
import { countWithin } from "../../rooms/visibility/within-bytes.ts";
import { formatBefore, formatPlace } from "../../rooms/visibility/tokens.ts";
import type { Present } from "./present.ts";
import { JsonText } from "./json-text.ts";
import { DEFAULT_TIMELINE_LIMIT, type Scope } from "./scope.ts";
import type { RecentEvents } from "../recent/recent-events.ts";

export interface Timeline {
  /** Oldest first: the events that the client gets. */
  readonly events: readonly VisibleEvent[];
  readonly limited: boolean;
  /** There is (or was) a gap directly before it. */
  readonly afterGap: boolean;
}

export interface TimelineRange {
  readonly roomNid: number;
  readonly after: number;
  readonly upTo: number;
  /** The user was joined during the whole range, so that every event in it is visible that has not ended. */
  readonly joinedThroughout: boolean;
}

/** With a filter, this many events are examined for each one that is wanted, */
const LOOK_AHEAD_FACTOR = 20;
/** but not more than this, unless more are wanted. */
const MAX_LOOKED_AT = 2_000;

/**
 * The timeline section: the newest events of a range that pass the filter, the ignore list and
 * visibility, none from before a gap. (docs/decisions/0020)
 */
export function createTimelines(deps: {
  readonly view: RoomView;
  readonly recentEvents: RecentEvents;
}) {
  function admits(scope: Scope, stored: StoredEvent): boolean {
    const { event } = stored;
    if (event.stateKey === undefined && scope.ignored.has(event.sender)) return false;
    return matchesEvent(scope.filter.room.timeline, event);
  }

  async function visible(
    scope: Scope,
    range: TimelineRange,
    events: readonly StoredEvent[],
  ): Promise<VisibleEvent[]> {
    // Redactions without effect are not shown, nor messages that have ended.
    const isDoubtful = (stored: StoredEvent) =>
      stored.event.redacts !== undefined || deps.view.isOver(stored);
    if (!range.joinedThroughout || events.some(isDoubtful)) {
      return deps.view.visibleTo(scope.userId, events);
    }
    return events.map((stored) => ({ stored, membership: "join" }));
  }

  return async function timeline(scope: Scope, range: TimelineRange): Promise<Timeline> {
    const filter = scope.filter.room.timeline;
    const limit = filter.limit ?? DEFAULT_TIMELINE_LIMIT;
    const isSelective = !filter.admitsAll || scope.ignored.size > 0;
    const extended = Math.max(limit, Math.min(limit * LOOK_AHEAD_FACTOR, MAX_LOOKED_AT));
    const maxEvents = isSelective ? extended : limit;
    const { roomNid, after, upTo } = range;
    const found = await deps.recentEvents.between(roomNid, after, upTo, maxEvents);
    const admitted = found.events.filter((stored) => admits(scope, stored));
    const all = await visible(scope, range, admitted);
    const seen = await deps.view.related(scope.userId, filter, all);
    const newest = limit === 0 ? [] : seen.slice(-limit);
    const count = countWithin(newest.toReversed().map(({ stored }) => stored));
    const events = newest.slice(newest.length - count);
    const isCut = seen.length > events.length;
    return {
      events,
      limited: found.limited || isCut,
      afterGap:
        found.afterGap && events.length > 0 && events[0]!.stored.nid === found.events[0]?.nid,
    };
  };
}

export type Timelines = ReturnType<typeof createTimelines>;

/**
 * `timeline` as JSON text. `prev_batch` is the place before the first event, from which /messages
 * reads backwards; without events, the end of the range.
 */
export async function timelineJson(
  present: Present,
  scope: Scope,
  timeline: Timeline,
  { roomNid, upTo }: { readonly roomNid: number; readonly upTo: number },
): Promise<string> {
  const texts = await present.timeline(scope, timeline.events);
  return timelineText(texts, timeline.limited, timeline.events[0]?.stored, {
    roomNid,
    position: upTo,
    ordinal: 0,
  });
}

/**
 * The same for events that are text already; `first` is the oldest of them, `end` the place after
 * all.
 */
export function timelineText(
  texts: readonly string[],
  limited: boolean,
  first: StoredEvent | undefined,
  end: { readonly roomNid: number; readonly position: number; readonly ordinal: number },
): string {
  const hasPlace = first !== undefined && first.position !== null;
  const before = hasPlace
    ? formatBefore(end.roomNid, { position: first.position, ordinal: first.ordinal })
    : formatPlace(end.roomNid, end);
  return new JsonText()
    .member("events", `[${texts.join(",")}]`)
    .member("limited", String(limited))
    .member("prev_batch", JSON.stringify(before))
    .toString();
}
