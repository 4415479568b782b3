/** /messages and /context: paging through a room for a reader. */
import { errors } from "../../protocol/errors.ts";
import { matchesEvent } from "../../protocol/filter.ts";
import type { Filter } from "../../protocol/filter.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { AccessControl } from "../visibility/access.ts";
import type { Page, PageRequest, Pages } from "./pages.ts";
import type { WithoutIgnored } from "../visibility/without-ignored.ts";
import type { Timelines } from "../visibility/timeline.ts";
import {
  comparePlaces,
  formatBefore,
  formatPlace,
  placeBefore,
  placeOf,
} from "../visibility/tokens.ts";
import type { PlaceIn } from "../visibility/tokens.ts";
import { countWithin } from "../visibility/within-bytes.ts";
import type {
  VisibleEvent,
  Reader,
  Room,
  RoomHistory,
  RoomView,
  StateRoot,
  StoredEvent,
  TimelinePlace,
} from "../api/index.ts";

export interface MessagesDeps {
  readonly view: RoomView;
  readonly timelines: Timelines;
  readonly access: AccessControl;
  readonly pages: Pages;
  readonly withoutIgnored: WithoutIgnored;
  readonly placeIn: PlaceIn;
}

const BEGINNING: TimelinePlace = { position: 0, ordinal: 0 };
const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 1_000;
/** Gaps filled per request; a client that wants more sends another one. */
const MAX_FILLS = 5;
/** Characters of events before, and after, each of many. */
const MAX_AROUND = 128 * 1024;
/** Pages read at most while the reader may see none of their events, or the filter leaves fewer than are wanted. */
const MAX_PAGES = 10;
/** Events that are read at least for a page through a filter: most of them may be others. */
const FILTERED_PAGE = 100;

export function createMessages(
  deps: MessagesDeps,
): Pick<RoomHistory, "messages" | "context" | "around"> {
  const { view, timelines, access, pages } = deps;

  return {
    around,
    async messages(reader, roomId, query) {
      const { room, until } = await access.of(reader.userId, roomId);
      const { nid } = room;
      const limit = limitOf(query.limit ?? query.filter?.limit);
      const backwards = query.dir === "b";
      let from = await deps.placeIn(room, query.from);
      let to = await deps.placeIn(room, query.to);
      // Users who left read up to their leave; others up to the newest event at the time of the
      // request.
      if (backwards) from = earlierOf(from, until) ?? (await newest(room));
      else to = earlierOf(to, until);
      const start = query.from ?? formatPlace(nid, (backwards ? from : undefined) ?? BEGINNING);
      const range = { from, to, backwards, limit };
      const { shown, from: next, more } = await gather(reader, room, range, query.filter);
      return {
        chunk: await view.present(shown, reader),
        start,
        ...(more && next !== undefined ? { end: formatPlace(nid, next) } : {}),
        state: await lazyMembers(reader, query.filter, shown),
      };
    },

    async context(reader, roomId, eventId, query) {
      const event = await access.event(reader.userId, roomId, eventId);
      const { room, until, state: readableState } = await access.of(reader.userId, roomId);
      const limit = Math.min(query.limit ?? query.filter?.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
      const place = placeOf(event);
      const half = Math.floor(limit / 2);
      const budget = { fills: MAX_FILLS };
      const isContext = true;
      const before = placeBefore(place);
      const back = { from: before, to: undefined, backwards: true, limit: half, isContext };
      const forth = { from: place, to: until, backwards: false, limit: limit - half, isContext };
      const [earlierPage, laterPage, visible] = await Promise.all([
        pages.read(room, back, budget).then(shortened),
        pages.read(room, forth, budget).then(shortened),
        deps.withoutIgnored(reader.userId, [event]),
      ]);
      if (visible.length === 0) throw errors.notFound("There is no such event that you may see");
      const earlier = await shownOf(reader, earlierPage.events, query.filter);
      const later = await shownOf(reader, laterPage.events, query.filter);
      const all = [...earlier, ...visible, ...later];
      // In a room that the reader has left, the state is that of the leave, also around events seen
      // through a later invite.
      const rootAt = (at: StoredEvent): StateRoot => {
        const isLater = until !== undefined && comparePlaces(placeOf(at), until) > 0;
        return isLater && readableState !== "now" ? readableState.root : at.stateAfter;
      };
      const [[text], events_before, events_after] = await Promise.all([
        view.present(visible, reader),
        view.present(earlier, reader),
        view.present(later, reader),
      ]);
      return {
        event: text as string,
        events_before,
        events_after,
        state: await stateOf(reader, query.filter, all, rootAt(later.at(-1)?.stored ?? event)),
        start: formatBefore(room.nid, placeOf(earlierPage.events.at(-1) ?? event)),
        end: formatPlace(room.nid, placeOf(laterPage.events.at(-1) ?? event)),
      };
    },
  };

  async function around(
    reader: Reader,
    roomId: RoomId,
    { stored }: VisibleEvent,
    limits: { readonly before: number; readonly after: number },
  ) {
    const { room, until } = await access.of(reader.userId, roomId);
    const place = placeOf(stored);
    const read = async (backwards: boolean, limit: number) => {
      const [from, to] = backwards ? [placeBefore(place), undefined] : [place, until];
      const asked = { from, to, backwards, limit, isContext: true };
      const { events } = await pages.read(room, asked, { fills: 0 });
      const kept = events.slice(0, countWithin(events, MAX_AROUND));
      return { last: kept.at(-1) ?? stored, shown: await shownOf(reader, kept, undefined) };
    };
    const [back, forth] = await Promise.all([read(true, limits.before), read(false, limits.after)]);
    const [before, after] = await Promise.all([
      view.present(back.shown, reader),
      view.present(forth.shown, reader),
    ]);
    return {
      ...{ before, after, events: [...back.shown.toReversed(), ...forth.shown] },
      start: formatBefore(room.nid, placeOf(back.last)),
      end: formatPlace(room.nid, placeOf(forth.last)),
    };
  }

  /**
   * Reads a page, and further ones while a filter leaves less than is wanted, as far as one request may go. `from`: where the next request
   * begins; `more`: something may be there.
   */
  async function gather(
    reader: Reader,
    room: Room,
    range: Omit<PageRequest, "isContext">,
    filter: Filter | undefined,
  ): Promise<{ shown: VisibleEvent[]; from: TimelinePlace | undefined; more: boolean }> {
    const { backwards, limit } = range;
    const isSieved = filter !== undefined && !filter.admitsAll;
    const wanted = isSieved ? Math.max(limit, FILTERED_PAGE) : limit;
    const budget = { fills: MAX_FILLS };
    const shown: VisibleEvent[] = [];
    let { from } = range;
    for (let i = 0; i < MAX_PAGES && (shown.length === 0 || isSieved); i++) {
      const page = await pages.read(room, { ...range, from, limit: wanted }, budget);
      shown.push(...(await shownOf(reader, page.events, filter)));
      const count = Math.min(limit, countWithin(shown.map(({ stored }) => stored)));
      // What is found beyond it comes with the next request.
      const isOver = shown.splice(count).length > 0;
      const end = isOver ? shown.at(-1)?.stored : page.events.at(-1);
      if (end !== undefined) from = backwards ? placeBefore(placeOf(end)) : placeOf(end);
      if (isOver) break;
      if (end === undefined || count === limit || page.isCut || !page.more) {
        return { shown, from, more: page.more || end !== undefined };
      }
    }
    return { shown, from, more: true };
  }

  async function shownOf(
    reader: Reader,
    events: readonly StoredEvent[],
    filter: Filter | undefined,
  ): Promise<readonly VisibleEvent[]> {
    // Whether an event may be seen costs more to find out than whether it is wanted.
    const admitted = events.filter((stored) => admits(filter, stored));
    return view.related(reader.userId, filter, await deps.withoutIgnored(reader.userId, admitted));
  }

  async function newest(room: Room): Promise<TimelinePlace> {
    const [last] = (await timelines.backwards(room.nid, undefined, undefined, 1)).events;
    return last === undefined ? BEGINNING : placeOf(last);
  }

  /** Member events of the senders, as of the newest event returned. */
  async function lazyMembers(
    { userId }: Reader,
    filter: Filter | undefined,
    shown: readonly VisibleEvent[],
  ): Promise<string[]> {
    if (filter?.lazyLoadMembers !== true || shown.length === 0) return [];
    const newest = shown.reduce((one, other) =>
      comparePlaces(placeOf(one.stored), placeOf(other.stored)) < 0 ? other : one,
    );
    const senders = new Set(shown.map(({ stored }) => stored.event.sender));
    const keys = [...senders].map((sender) => ["m.room.member", sender] as const);
    const members = await view.stateEventsAt(newest.stored.stateAfter, keys);
    return view.presentState(await view.stateFor(userId, members));
  }

  async function stateOf(
    { userId }: Reader,
    filter: Filter | undefined,
    shown: readonly VisibleEvent[],
    at: StateRoot,
  ): Promise<string[]> {
    const members =
      filter?.lazyLoadMembers === true
        ? { members: [...new Set(shown.map(({ stored }) => stored.event.sender as string))] }
        : undefined;
    const state = await view.stateAt(at, members);
    const admitted = state.filter((stored) => admits(filter, stored));
    return view.presentState(await view.stateFor(userId, admitted));
  }
}

/** The earlier of two places; undefined stands for the end. */
function earlierOf(
  one: TimelinePlace | undefined,
  other: TimelinePlace | undefined,
): TimelinePlace | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return comparePlaces(one, other) <= 0 ? one : other;
}

/** Cuts the page to the size of an answer; the rest follows with the next request. */
function shortened(page: Page): Page {
  const count = countWithin(page.events);
  if (count >= page.events.length) return page;
  return { ...page, events: page.events.slice(0, count), more: true };
}

function limitOf(limit: number | undefined): number {
  return Math.min(Math.max(limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT);
}

function admits(filter: Filter | undefined, stored: StoredEvent): boolean {
  return filter === undefined || filter.admitsAll || matchesEvent(filter, stored.event);
}
