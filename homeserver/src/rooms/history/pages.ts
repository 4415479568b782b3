/** Pages of a room's timeline, backfilled from other servers where something is missing. */
import type { Backfill, Span } from "./backfill.ts";
import type { Timelines } from "../visibility/timeline.ts";
import { comparePlaces, placeOf } from "../visibility/tokens.ts";
import type { Room, TimelinePage, TimelinePlace } from "../api/index.ts";

export interface PageRequest {
  readonly from: TimelinePlace | undefined;
  readonly to: TimelinePlace | undefined;
  readonly backwards: boolean;
  readonly limit: number;
  /** The page continues from an event's context: a gap directly at the start ends it, too. */
  readonly isContext?: boolean;
}

export interface Page extends TimelinePage {
  /** History is missing behind the last event and may be had another time. */
  readonly isCut: boolean;
}

export interface Pages {
  /**
   * Reads one page. A gap in it is filled first; if that fails, the page ends there and `more` is
   * true. Only a page that begins right at such a gap continues beyond it, so that stored events
   * can be read while other servers are unreachable.
   * @param budget how often other servers may still be asked for this request; counted down
   */
  read(room: Room, request: PageRequest, budget: { fills: number }): Promise<Page>;
}

export function createPages(
  timelines: Timelines,
  backfill: Pick<Backfill, "fill" | "openPlaces">,
): Pages {
  return {
    async read(room, request, budget) {
      const { from, to, backwards, limit } = request;
      // A page without events has no gaps.
      if (limit === 0) return { events: [], more: true, isCut: false };
      const read = backwards ? timelines.backwards : timelines.forwards;
      for (;;) {
        const page = await read(room.nid, from, to, limit);
        const span = backwards ? spanBackwards(page, from) : spanForwards(page, from);
        if (span === undefined) return { ...page, isCut: false };
        const outcome = budget.fills > 0 ? await backfill.fill(room, span) : "open";
        if (outcome === "filled") {
          budget.fills -= 1;
          continue;
        }
        if (outcome === "whole") return { ...page, isCut: false };
        const gaps = await backfill.openPlaces(room, span);
        if (gaps.length === 0) return { ...page, isCut: false };
        budget.fills = 0;
        return backwards ? cutBackwards(page, gaps, request) : cutForwards(page, gaps, request);
      }
    },
  };
}

/** Ends the page at the newest event with a gap in front of it. */
function cutBackwards(
  page: TimelinePage,
  gaps: readonly TimelinePlace[],
  request: PageRequest,
): Page {
  const { from, to, isContext = false } = request;
  const isInside = (gap: TimelinePlace) => from === undefined || comparePlaces(gap, from) <= 0;
  const gap = gaps.find((one) => isContext || isInside(one));
  const events =
    gap === undefined
      ? page.events
      : page.events.filter((stored) => comparePlaces(placeOf(stored), gap) >= 0);
  const isShorter = events.length < page.events.length;
  const isEnd = to === undefined && !reachesCreate(page);
  return { events, more: page.more || isShorter || isEnd, isCut: isShorter };
}

/**
 * Ends the page before the oldest event with a gap in front of it, unless that is its first event.
 */
function cutForwards(
  page: TimelinePage,
  gaps: readonly TimelinePlace[],
  request: PageRequest,
): Page {
  const first = page.events[0];
  const isBehindFirst = (gap: TimelinePlace) =>
    request.isContext === true || first === undefined || comparePlaces(gap, placeOf(first)) > 0;
  const gap = gaps.findLast(isBehindFirst);
  if (gap === undefined) return { ...page, isCut: false };
  const events = page.events.filter((stored) => comparePlaces(placeOf(stored), gap) < 0);
  const isShorter = events.length < page.events.length;
  return { events, more: page.more || isShorter, isCut: isShorter };
}

const BEGINNING: TimelinePlace = { position: 0, ordinal: 0 };

/** Nothing precedes the create event, whatever is missing elsewhere. */
function reachesCreate({ events }: TimelinePage): boolean {
  return events.at(-1)?.event.type === "m.room.create";
}

/**
 * The range of a page read backwards, plus the event after its start: a gap may precede that one.
 */
function spanBackwards({ events }: TimelinePage, from: TimelinePlace | undefined): Span {
  const [newest, oldest] = [events[0], events.at(-1)];
  return {
    from: oldest === undefined ? BEGINNING : placeOf(oldest),
    to:
      from !== undefined
        ? { position: from.position, ordinal: from.ordinal + 1 }
        : newest === undefined
          ? BEGINNING
          : placeOf(newest),
  };
}

/** The range of a page read forwards: its first event may be the far end of a gap. */
function spanForwards({ events }: TimelinePage, from: TimelinePlace | undefined): Span | undefined {
  const newest = events.at(-1);
  if (newest === undefined) return undefined;
  const { position, ordinal } = from ?? BEGINNING;
  return { from: { position, ordinal: ordinal + 1 }, to: placeOf(newest) };
}
