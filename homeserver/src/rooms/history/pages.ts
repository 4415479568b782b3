/** Pages of a room's timeline; what is missing in them is asked of other servers first. */
import type { Backfill, Span } from "./backfill.ts";
import type { Timelines } from "../visibility/timeline.ts";
import { comparePlaces, placeOf } from "../visibility/tokens.ts";
import type { Room, TimelinePage, TimelinePlace } from "../api/index.ts";

interface Stretch {
  readonly from: TimelinePlace | undefined;
  readonly to: TimelinePlace | undefined;
  readonly backwards: boolean;
  readonly limit: number;
  /** The reader comes from the events around: a gap right at the start ends the page, too. */
  readonly isContext?: boolean;
}

export interface Page extends TimelinePage {
  /** History that is missing behind the last event may be had another time. */
  readonly isCut: boolean;
}

export interface Pages {
  /**
   * One page. A gap in it is filled first; the page ends at one that cannot be filled now, and
   * `more` is true. Only a page that begins right at such a gap goes on beyond it: what is here can
   * be read while others are away. @param budget how often other servers may still be asked for one
   * request of a client; counted down
   */
  read(room: Room, stretch: Stretch, budget: { fills: number }): Promise<Page>;
}

export function createPages(
  timelines: Timelines,
  backfill: Pick<Backfill, "fill" | "openPlaces">,
): Pages {
  return {
    async read(room, stretch, budget) {
      const { from, to, backwards, limit } = stretch;
      // Of a page without events nothing is missing.
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
        return backwards ? cutBackwards(page, gaps, stretch) : cutForwards(page, gaps, stretch);
      }
    },
  };
}

/** Ends the page with the newest event that has a gap in front of it. */
function cutBackwards(page: TimelinePage, gaps: readonly TimelinePlace[], stretch: Stretch): Page {
  const { from, to, isContext = false } = stretch;
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
 * Ends the page right before the oldest event that has a gap in front of it, unless that is the
 * first one.
 */
function cutForwards(page: TimelinePage, gaps: readonly TimelinePlace[], stretch: Stretch): Page {
  const first = page.events[0];
  const isBehindFirst = (gap: TimelinePlace) =>
    stretch.isContext === true || first === undefined || comparePlaces(gap, placeOf(first)) > 0;
  const gap = gaps.findLast(isBehindFirst);
  if (gap === undefined) return { ...page, isCut: false };
  const events = page.events.filter((stored) => comparePlaces(placeOf(stored), gap) < 0);
  const isShorter = events.length < page.events.length;
  return { events, more: page.more || isShorter, isCut: isShorter };
}

const BEGINNING: TimelinePlace = { position: 0, ordinal: 0 };

/** Nothing comes before the create event, whatever is missing elsewhere. */
function reachesCreate({ events }: TimelinePage): boolean {
  return events.at(-1)?.event.type === "m.room.create";
}

/**
 * What a page read backwards covers, with the event right behind its start: what precedes that may
 * be missing.
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

/** What a page read forwards covers: its first event may be the far end of a gap. */
function spanForwards({ events }: TimelinePage, from: TimelinePlace | undefined): Span | undefined {
  const newest = events.at(-1);
  if (newest === undefined) return undefined;
  const { position, ordinal } = from ?? BEGINNING;
  return { from: { position, ordinal: ordinal + 1 }, to: placeOf(newest) };
}
