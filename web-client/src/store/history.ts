import { isTransient } from "../api/errors.ts";
import type { ReadingApi } from "../api/reading.ts";
import type { RoomApi } from "../api/rooms.ts";
import type { MatrixEvent } from "../api/types.ts";
import { createPace } from "./pace.ts";
import type { Room, StateEvent } from "./room.ts";
import type { RoomStore } from "./room-store.ts";
import { Timeline } from "./timeline.ts";

/** Reads events that came encrypted, as far as that is possible now. */
export type ReadEvents = (roomId: string, events: readonly MatrixEvent[]) => Promise<MatrixEvent[]>;

/** The pages that are on their way. */
type Paging = WeakMap<Timeline, Promise<boolean>>;

interface Page {
  chunk: readonly MatrixEvent[];
  /** Where the next page begins; undefined when there is none. */
  end: string | undefined;
}

/**
 * Loads what lies before the synced part of rooms: older events, single events, all members. What came encrypted goes
 * through `read`.
 */
export function createHistory(
  apis: { rooms: RoomApi; reading: ReadingApi },
  store: RoomStore,
  read: ReadEvents = async (_, events) => [...events],
  now: () => number = () => performance.now(),
) {
  const api = apis.rooms;
  const pagingOf: Record<"b" | "f", Paging> = { b: new WeakMap(), f: new WeakMap() };
  const pageSize = createPace(now);
  const single = new Map<string, Promise<MatrixEvent | undefined>>();

  /** A page of what lies before a stretch. */
  async function before(room: Room, timeline: Timeline): Promise<Page> {
    const { thread, prevToken } = timeline;
    if (thread === undefined) {
      const { chunk, end, state } = await api.messages(room.roomId, prevToken, pageSize(timeline));
      takeState(room, state);
      return { chunk, end };
    }
    const { chunk, next_batch: end } = await apis.reading.thread(room.roomId, thread, prevToken);
    if (end !== undefined) return { chunk, end };
    // Before the first reply stands what it is a reply to.
    const root = await fetchEvent(room, thread).catch(() => undefined);
    return { chunk: root === undefined ? chunk : [...chunk, root], end };
  }

  async function pageBack(room: Room, timeline: Timeline): Promise<boolean> {
    if (timeline.reachedStart) return false;
    const first = timeline.entries[0]?.key;
    const from = timeline.prevToken;
    const answer = await before(room, timeline);
    const chunk = await read(room.roomId, answer.chunk);
    // A gap in sync threw the stretch away that these would have stood in front of.
    if (timeline.entries[0]?.key !== first) return true;
    const isStuck = answer.end !== undefined && answer.end === from;
    if (isStuck && answer.chunk.length === 0) {
      throw new Error("older messages are on a server that does not answer");
    }
    timeline.prepend(chunk, answer.end);
    if (timeline !== room.timeline) timeline.trim("newest");
    room.changed("$timeline");
    return !timeline.reachedStart;
  }

  async function pageForth(room: Room, timeline: Timeline): Promise<boolean> {
    const from = timeline.nextToken;
    if (from === undefined) return false;
    const answer = await apis.reading.messages(room.roomId, from, "f", pageSize(timeline));
    takeState(room, answer.state);
    const chunk = await read(room.roomId, answer.chunk);
    if (timeline.nextToken !== from) return true;
    timeline.extend(chunk, answer.end === from ? undefined : answer.end);
    if (!room.timeline.join(timeline)) timeline.trim("oldest");
    room.changed("$timeline");
    return timeline.nextToken !== undefined;
  }

  /** Calls that overlap share one request. */
  function once(
    dir: "b" | "f",
    timeline: Timeline,
    work: () => Promise<boolean>,
  ): Promise<boolean> {
    const running = pagingOf[dir].get(timeline);
    if (running !== undefined) return running;
    const started = work().finally(() => pagingOf[dir].delete(timeline));
    pagingOf[dir].set(timeline, started);
    return started;
  }

  const fetchEvent = async ({ roomId }: Room, eventId: string): Promise<MatrixEvent | undefined> =>
    (await read(roomId, [await api.event(roomId, eventId)]))[0];

  return {
    /**
     * Loads one page of older events. Answers whether there are more. Calls that overlap share one request. Rejects
     * when they cannot be had now: the request failed, or they are on another server that does not answer.
     */
    older: (room: Room, timeline: Timeline = room.timeline): Promise<boolean> =>
      once("b", timeline, () => pageBack(room, timeline)),

    /** The same for newer events, after a stretch that does not reach the newest. */
    newer: (room: Room, timeline: Timeline): Promise<boolean> =>
      once("f", timeline, () => pageForth(room, timeline)),

    isPaging: (room: Room, timeline: Timeline = room.timeline): boolean => pagingOf.b.has(timeline),

    /** Events from elsewhere, as far as they can be read. */
    readable: (room: Room, events: readonly MatrixEvent[]): Promise<MatrixEvent[]> =>
      read(room.roomId, events),

    isPagingForth: (timeline: Timeline): boolean => pagingOf.f.has(timeline),

    /**
     * The stretch in which an event stands: one that is held, or a new one around it. Rejects with `ApiError` 404 when there is no
     * such event, or it may not be seen. Whoever shows a new one closes it.
     */
    async around(room: Room, eventId: string): Promise<Timeline> {
      if (room.timeline.find(eventId) !== undefined) return room.timeline;
      const answer = await apis.reading.context(room.roomId, eventId);
      takeState(room, answer.state);
      const { event, events_before: older, events_after: newer } = answer;
      const events = await read(room.roomId, [...older.toReversed(), event, ...newer]);
      const stretch = new Timeline(room.record);
      stretch.fill(events, answer.start, answer.end);
      if (!room.timeline.join(stretch)) return stretch;
      stretch.close();
      room.changed("$timeline");
      return room.timeline;
    },

    /** A new stretch of a thread's messages, from the newest back. Whoever shows it closes it. */
    async thread(room: Room, root: string): Promise<Timeline> {
      const stretch = new Timeline(room.record, root);
      try {
        await pageBack(room, stretch);
      } catch (error) {
        stretch.close();
        throw error;
      }
      return stretch;
    },

    /** An event of the room, loaded or fetched once; undefined when it cannot be had, perhaps for now. */
    event(room: Room, eventId: string): Promise<MatrixEvent | undefined> {
      const loaded = room.record.find(eventId);
      if (loaded !== undefined) return Promise.resolve(loaded.event);
      const key = `${room.roomId} ${eventId}`;
      const known = single.get(key);
      if (known !== undefined) return known;
      const fetched = fetchEvent(room, eventId).then(
        (event) => {
          // Its key may come later.
          if (event?.type === "m.room.encrypted") single.delete(key);
          return event;
        },
        (error: unknown) => {
          if (isTransient(error)) single.delete(key);
          return undefined;
        },
      );
      single.set(key, fetched);
      if (single.size > 500) single.delete(single.keys().next().value!);
      return fetched;
    },

    /** The newest events that relate in one way to another, as many as a thousand. */
    async related(room: Room, eventId: string, relType: string): Promise<MatrixEvent[]> {
      const found: MatrixEvent[] = [];
      let from: string | undefined;
      for (let page = 0; page < 10; page++) {
        const answer = await api.related(room.roomId, eventId, relType, from);
        found.push(...(await read(room.roomId, answer.chunk ?? [])));
        from = answer.next_batch;
        if (from === undefined) break;
      }
      return found;
    },

    /** Loads everyone in the room, once until a gap in what sync brings. */
    members: (room: Room) => membersOf(room, () => api.members(room.roomId), store),
  };
}

/** Takes in the state that a page brings along, where nothing newer is known. */
function takeState(room: Room, events: readonly MatrixEvent[] = []): void {
  for (const event of events) {
    const { state_key: stateKey } = event;
    if (typeof stateKey === "string" && room.stateEvent(event.type, stateKey) === undefined) {
      room.setState({ ...event, state_key: stateKey });
    }
  }
}

type AskMembers = () => Promise<MatrixEvent[]>;

/** Whoever asks while they are loaded waits as well: a message is encrypted for those who are known then. */
async function membersOf(room: Room, ask: AskMembers, store: RoomStore): Promise<void> {
  while (!room.membersLoaded) {
    room.membersLoading ??= loadMembers(room, ask, store).finally(() => {
      room.membersLoading = undefined;
    });
    await room.membersLoading;
  }
}

/** Everyone is known then, unless sync had a gap meanwhile. */
async function loadMembers(room: Room, ask: AskMembers, store: RoomStore): Promise<void> {
  const before = new Map(room.stateOf("m.room.member"));
  const { gaps } = room;
  takeMembers(room, before, await ask());
  room.membersLoaded = room.gaps === gaps;
  room.changed("$state");
  store.refresh([room.roomId]);
}

/** Takes in an answer of `/members`, but for those of whom sync brought something since `before`. */
function takeMembers(
  room: Room,
  before: ReadonlyMap<string, StateEvent>,
  events: readonly MatrixEvent[],
): void {
  const isNews = (userId: string): boolean =>
    room.stateEvent("m.room.member", userId) !== before.get(userId);
  const present = new Map(events.map((event) => [event.state_key ?? "", event]));
  for (const [userId, event] of present) {
    if (!isNews(userId)) room.setState({ ...event, state_key: userId });
  }
  // Whoever is not in the answer has left, which sync does not tell of members that nobody heard of in a gap.
  for (const [userId, event] of before) {
    if (present.has(userId) || isNews(userId)) continue;
    room.setState({ ...event, content: { ...event.content, membership: "leave" } });
  }
}

export type History = ReturnType<typeof createHistory>;
