/** Paging through a room for a reader: /messages and /context. */
import { matchesEvent } from "../protocol/filter.ts";
import type { Filter } from "../protocol/filter.ts";
import type { AccessControl } from "./access.ts";
import type { Timelines } from "./timeline.ts";
import { formatBefore, formatPlace, parsePlace, placeBefore } from "./tokens.ts";
import type {
  ReadableEvent,
  Room,
  RoomHistory,
  RoomView,
  StoredEvent,
  TimelinePage,
  TimelinePlace,
} from "./types.ts";

/** Asks other servers for what is missing in a stretch of the timeline; true when something came. */
export type FillGap = (
  room: Room,
  stretch: { from: TimelinePlace; to: TimelinePlace },
) => Promise<boolean>;

export interface MessagesDeps {
  readonly view: RoomView;
  readonly timelines: Timelines;
  readonly access: AccessControl;
  readonly fillGap: FillGap;
}

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 1_000;
/** Gaps filled for one page; a client that wants more asks on. */
const MAX_FILLS = 5;
/** Pages read on when all that was read may not be seen. */
const MAX_PAGES = 10;

export function createMessages(deps: MessagesDeps): Pick<RoomHistory, "messages" | "context"> {
  const { view, timelines, access } = deps;

  return {
    async messages(reader, roomId, query) {
      const { room } = await access.of(reader.userId, roomId);
      const limit = limitOf(query.limit ?? query.filter?.limit);
      const backwards = query.dir === "b";
      const to = query.to === undefined ? undefined : parsePlace(query.to);
      let from = query.from === undefined ? undefined : parsePlace(query.from);
      const start = query.from ?? (await endToken(room, backwards));
      const shown: ReadableEvent[] = [];
      let page: TimelinePage = { events: [], more: true };
      for (let i = 0; i < MAX_PAGES && page.more && shown.length === 0; i++) {
        page = await readPage(room, from, to, backwards, limit);
        const readable = await view.readable(reader.userId, page.events);
        shown.push(...readable.filter(({ stored }) => admits(query.filter, stored)));
        const last = page.events.at(-1);
        if (last !== undefined) from = backwards ? placeBefore(placeOf(last)) : placeOf(last);
      }
      return {
        chunk: await view.present(shown, reader),
        start,
        ...(page.more && from !== undefined ? { end: formatPlace(from) } : {}),
        state: await lazyMembers(query.filter, shown),
      };
    },

    async context(reader, roomId, eventId, query) {
      const event = await access.event(reader.userId, roomId, eventId);
      const { room } = await access.of(reader.userId, roomId);
      const limit = limitOf(query.limit ?? query.filter?.limit);
      const place = placeOf(event);
      const half = Math.floor(limit / 2);
      const [before, after, readable] = await Promise.all([
        readPage(room, placeBefore(place), undefined, true, half),
        readPage(room, place, undefined, false, limit - half),
        view.readable(reader.userId, [event]),
      ]);
      const earlier = await readableOf(reader.userId, before.events, query.filter);
      const later = await readableOf(reader.userId, after.events, query.filter);
      const all = [...earlier, ...readable, ...later];
      const [[text], events_before, events_after] = await Promise.all([
        view.present(readable, reader),
        view.present(earlier, reader),
        view.present(later, reader),
      ]);
      return {
        event: text as string,
        events_before,
        events_after,
        state: await stateOf(query.filter, all, later.at(-1)?.stored ?? event),
        start: formatBefore(placeOf(before.events.at(-1) ?? event)),
        end: formatPlace(placeOf(after.events.at(-1) ?? event)),
      };
    },
  };

  /** One page; gaps that are met on the way back are filled from other servers where possible. */
  async function readPage(
    room: Room,
    from: TimelinePlace | undefined,
    to: TimelinePlace | undefined,
    backwards: boolean,
    limit: number,
  ): Promise<TimelinePage> {
    if (!backwards) return timelines.forwards(room.nid, from, to, limit);
    for (let filled = 0; ; filled++) {
      const page = await timelines.backwards(room.nid, from, to, limit);
      if (filled === MAX_FILLS) return { ...page, more: true };
      if (!(await deps.fillGap(room, stretchOf(page, from)))) return page;
    }
  }

  async function readableOf(
    userId: Parameters<RoomView["readable"]>[0],
    events: readonly StoredEvent[],
    filter: Filter | undefined,
  ): Promise<ReadableEvent[]> {
    const readable = await view.readable(userId, events);
    return readable.filter(({ stored }) => admits(filter, stored));
  }

  async function endToken(room: Room, backwards: boolean): Promise<string> {
    if (!backwards) return formatPlace({ position: 0, ordinal: 0 });
    const [newest] = (await timelines.backwards(room.nid, undefined, undefined, 1)).events;
    return formatPlace(newest === undefined ? { position: 0, ordinal: 0 } : placeOf(newest));
  }

  /** Member events of the senders, as of the newest event shown. */
  async function lazyMembers(
    filter: Filter | undefined,
    shown: readonly ReadableEvent[],
  ): Promise<string[]> {
    const [first] = shown;
    if (filter?.lazyLoadMembers !== true || first === undefined) return [];
    const senders = new Set(shown.map(({ stored }) => stored.event.sender));
    const keys = [...senders].map((sender) => ["m.room.member", sender] as const);
    return view.presentState(await view.stateEventsAt(first.stored.stateAfter, keys));
  }

  async function stateOf(
    filter: Filter | undefined,
    shown: readonly ReadableEvent[],
    at: StoredEvent,
  ): Promise<string[]> {
    const members =
      filter?.lazyLoadMembers === true
        ? { members: [...new Set(shown.map(({ stored }) => stored.event.sender as string))] }
        : undefined;
    const state = await view.stateAt(at.stateAfter, members);
    return view.presentState(state.filter((stored) => admits(filter, stored)));
  }
}

/** What a page read backwards covers, with the event right behind its start: what precedes that may be missing. */
function stretchOf(
  { events }: TimelinePage,
  from: TimelinePlace | undefined,
): { from: TimelinePlace; to: TimelinePlace } {
  const beginning = { position: 0, ordinal: 0 };
  const [newest, oldest] = [events[0], events.at(-1)];
  return {
    from: oldest === undefined ? beginning : placeOf(oldest),
    to:
      from !== undefined
        ? { position: from.position, ordinal: from.ordinal + 1 }
        : newest === undefined
          ? beginning
          : placeOf(newest),
  };
}

function limitOf(limit: number | undefined): number {
  return Math.min(Math.max(limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT);
}

function admits(filter: Filter | undefined, stored: StoredEvent): boolean {
  return filter === undefined || filter.admitsAll || matchesEvent(filter, stored.event);
}

/** Where an event stands; outliers stand nowhere and count as the beginning. */
export function placeOf(stored: StoredEvent): TimelinePlace {
  return { position: stored.position ?? 0, ordinal: stored.ordinal };
}
