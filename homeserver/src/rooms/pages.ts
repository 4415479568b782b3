/** Pages of a room's timeline; what is missing in them is asked of other servers first. */
import type { Backfill, Span } from "./backfill.ts";
import type { Timelines } from "./timeline.ts";
import { placeOf } from "./tokens.ts";
import type { Room, TimelinePage, TimelinePlace } from "./types.ts";

export interface Stretch {
  readonly from: TimelinePlace | undefined;
  readonly to: TimelinePlace | undefined;
  readonly backwards: boolean;
  readonly limit: number;
}

export interface Pages {
  /**
   * One page. `more` is also true where the history that is known ends at a gap, which cannot be filled now.
   *
   * @param budget how often other servers may still be asked for one request of a client; counted down
   */
  read(room: Room, stretch: Stretch, budget: { fills: number }): Promise<TimelinePage>;
}

export function createPages(
  timelines: Timelines,
  backfill: Pick<Backfill, "fill" | "look">,
): Pages {
  return {
    async read(room, { from, to, backwards, limit }, budget) {
      const read = backwards ? timelines.backwards : timelines.forwards;
      for (;;) {
        const page = await read(room.nid, from, to, limit);
        const span = backwards ? spanBackwards(page, from) : spanForwards(page, from);
        if (span === undefined) return page;
        const mayAsk = budget.fills > 0;
        const outcome = await (mayAsk ? backfill.fill(room, span) : backfill.look(room, span));
        if (outcome === "filled") {
          budget.fills -= 1;
          continue;
        }
        if (outcome === "open") budget.fills = 0;
        const isCut = outcome === "open" && backwards && to === undefined && !reachesCreate(page);
        return { ...page, more: page.more || isCut };
      }
    },
  };
}

const BEGINNING: TimelinePlace = { position: 0, ordinal: 0 };

/** Nothing comes before the create event, whatever is missing elsewhere. */
function reachesCreate({ events }: TimelinePage): boolean {
  return events.at(-1)?.event.type === "m.room.create";
}

/** What a page read backwards covers, with the event right behind its start: what precedes that may be missing. */
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
