import { isTransient } from "../api/errors.ts";
import type { RoomApi } from "../api/rooms.ts";
import type { MatrixEvent } from "../api/types.ts";
import type { Room, StateEvent } from "./room.ts";
import type { RoomStore } from "./room-store.ts";

/** Reads events that came encrypted, as far as that is possible now. */
export type ReadEvents = (roomId: string, events: readonly MatrixEvent[]) => Promise<MatrixEvent[]>;

/**
 * Loads what lies before the synced part of rooms: older events, single events, all members. What came encrypted goes
 * through `read`.
 */
export function createHistory(
  api: RoomApi,
  store: RoomStore,
  read: ReadEvents = async (_, events) => [...events],
) {
  const paging = new Map<string, Promise<boolean>>();
  const single = new Map<string, Promise<MatrixEvent | undefined>>();

  async function page(room: Room): Promise<boolean> {
    const { timeline } = room;
    if (timeline.reachedStart) return false;
    const before = timeline.entries[0]?.key;
    const answer = await api.messages(room.roomId, timeline.prevToken);
    const chunk = await read(room.roomId, answer.chunk);
    // A gap in sync threw the stretch away that these would have stood in front of.
    if (timeline.entries[0]?.key !== before) return true;
    for (const event of answer.state ?? []) {
      const { state_key: stateKey } = event;
      if (typeof stateKey === "string" && room.stateEvent(event.type, stateKey) === undefined) {
        room.setState({ ...event, state_key: stateKey });
      }
    }
    const isStuck = answer.end !== undefined && answer.end === timeline.prevToken;
    if (isStuck && answer.chunk.length === 0) {
      throw new Error("older messages are on a server that does not answer");
    }
    timeline.prepend(chunk, answer.end);
    room.changed("$timeline");
    return !timeline.reachedStart;
  }

  async function fetchEvent(room: Room, eventId: string): Promise<MatrixEvent | undefined> {
    const event = await api.event(room.roomId, eventId);
    return (await read(room.roomId, [event]))[0];
  }

  return {
    /**
     * Loads one page of older events. Answers whether there are more. Calls that overlap share one request. Rejects
     * when they cannot be had now: the request failed, or they are on another server that does not answer.
     */
    older(room: Room): Promise<boolean> {
      const running = paging.get(room.roomId);
      if (running !== undefined) return running;
      const started = page(room).finally(() => paging.delete(room.roomId));
      paging.set(room.roomId, started);
      return started;
    },

    isPaging: (room: Room): boolean => paging.has(room.roomId),

    /** An event of the room, loaded or fetched once; undefined when it cannot be had, perhaps for now. */
    event(room: Room, eventId: string): Promise<MatrixEvent | undefined> {
      const loaded = room.timeline.find(eventId);
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

    /** Pages back till the event is loaded; false when it lies too far back or does not exist. */
    async reach(room: Room, eventId: string, maxPages = 15): Promise<boolean> {
      for (let count = 0; count < maxPages; count++) {
        if (room.timeline.find(eventId) !== undefined) return true;
        if (!(await this.older(room))) break;
      }
      return room.timeline.find(eventId) !== undefined;
    },

    /** Loads everyone in the room, once until a gap in what sync brings. */
    async members(room: Room): Promise<void> {
      if (room.membersLoaded) return;
      room.membersLoaded = true;
      const before = new Map(room.stateOf("m.room.member"));
      try {
        takeMembers(room, before, await api.members(room.roomId));
      } catch (error) {
        room.membersLoaded = false;
        throw error;
      }
      room.changed("$state");
      store.refresh([room.roomId]);
    },
  };
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
