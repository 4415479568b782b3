/** Finds which prev events and auth events of received events are missing here. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { awaitedEvents, firstKnownDepth } from "../../storage/rooms/gaps.ts";
import { inDagOrder } from "../records/event-order.ts";
import type { Outliers } from "./outliers.ts";
import { isInGraphOf } from "../records/in-graph.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";

/** Received events, in an order in which they can be added to the graph. */
export interface SortedEvents {
  /** All of their prev and auth events are here. */
  readonly complete: RoomEvent[];
  /** They name missing events, or build on events that do. */
  readonly lacking: RoomEvent[];
  /** The missing events. */
  readonly missing: ReadonlySet<EventId>;
}

export interface Gaps {
  sort(events: readonly RoomEvent[]): Promise<SortedEvents>;
  /** Events with prev events that are neither in the graph nor among the given events. */
  withGaps(events: readonly RoomEvent[]): Promise<RoomEvent[]>;
  /** Those that are already in the room's graph. */
  inGraph(room: Room, events: readonly RoomEvent[]): Promise<ReadonlySet<EventId>>;
  /** Events with auth events that are neither stored nor among the given events. */
  withoutAuth(events: readonly RoomEvent[]): Promise<RoomEvent[]>;
  /**
   * Leaves out events older than the known history, unless a gap waits for them: in the graph they
   * would look like a fork. They are stored as outliers.
   */
  withoutOld(room: Room, events: readonly RoomEvent[]): Promise<RoomEvent[]>;
}

export function createGaps(store: RoomStore, outliers: Outliers): Gaps {
  /**
   * Looks up which of the events are stored or pending, and which of them are in the graph of the
   * room of the event that names them.
   */
  async function lookUp(prev: readonly EventId[], auth: readonly EventId[]) {
    const coming = store.pendingIds.fromNow([...prev, ...auth]);
    const isLeft = (id: EventId) => !coming.has(id);
    const [ofPrev, ofAuth] = await Promise.all([
      store.events.byIdsNow(prev.filter(isLeft)),
      store.events.byIds(auth.filter(isLeft)),
    ]);
    const isHere = (id: EventId) => ofAuth.has(id) || coming.has(id);
    const isInGraph = (id: EventId, { roomId }: RoomEvent) => {
      const stored = ofPrev.get(id);
      if (stored !== undefined && isInGraphOf(stored, roomId)) return true;
      return coming.isInGraph(id, roomId);
    };
    return { isHere, isInGraph };
  }

  async function withGaps(events: readonly RoomEvent[]): Promise<RoomEvent[]> {
    const coming = new Set(events.map((event) => event.eventId));
    const wanted = new Set(events.flatMap((event) => event.prevEventIds));
    const { isInGraph } = await lookUp(
      [...wanted].filter((id) => !coming.has(id)),
      [],
    );
    return events.filter((event) =>
      event.prevEventIds.some((id) => !coming.has(id) && !isInGraph(id, event)),
    );
  }

  return {
    withGaps,
    async inGraph(room, events) {
      const ids = events.map(({ eventId }) => eventId);
      const stored = [...(await store.events.byIdsNow(ids)).values()];
      const placed = stored.filter((one) => isInGraphOf(one, room.roomId));
      return new Set(placed.map(({ event }) => event.eventId));
    },
    async sort(events) {
      const sorted = inDagOrder(events);
      const coming = new Set(sorted.map((event) => event.eventId));
      const isWanted = (id: EventId) => !coming.has(id);
      const { isHere, isInGraph } = await lookUp(
        [...new Set(sorted.flatMap((event) => event.prevEventIds))].filter(isWanted),
        [...new Set(sorted.flatMap((event) => event.authEventIds))].filter(isWanted),
      );
      const missing = new Set<EventId>();
      const complete: RoomEvent[] = [];
      const lacking: RoomEvent[] = [];
      const isLacking = new Set<EventId>();
      for (const event of sorted) {
        const prev = event.prevEventIds.filter((id) =>
          coming.has(id) ? isLacking.has(id) : !isInGraph(id, event),
        );
        const auth = event.authEventIds.filter((id) =>
          coming.has(id) ? isLacking.has(id) : !isHere(id),
        );
        // An event without prev events may be the start of another history: it counts as lacking
        // something.
        if (prev.length + auth.length === 0 && event.prevEventIds.length > 0) {
          complete.push(event);
          continue;
        }
        lacking.push(event);
        isLacking.add(event.eventId);
        for (const id of [...prev, ...auth]) if (!coming.has(id)) missing.add(id);
      }
      return { complete, lacking, missing };
    },
    async withoutAuth(events) {
      const coming = new Set(events.map((event) => event.eventId));
      const wanted = new Set(events.flatMap((event) => event.authEventIds));
      const { isHere } = await lookUp(
        [],
        [...wanted].filter((id) => !coming.has(id)),
      );
      return events.filter((event) =>
        event.authEventIds.some((id) => !coming.has(id) && !isHere(id)),
      );
    },
    async withoutOld(room, events) {
      let left = [...events];
      for (;;) {
        const gaps = new Set(await withGaps(left));
        const loose = left.filter((event) => gaps.has(event) || event.prevEventIds.length === 0);
        if (loose.length === 0) return left;
        const first = (await firstKnownDepth(store.sql, room.nid)) ?? 0;
        const ids = loose.map((event) => event.eventId);
        const awaited = await awaitedEvents(store.sql, room.nid, ids);
        const wanted = new Set(awaited.map((row) => row.eventId));
        const old = new Set(
          loose.filter((event) => event.depth < first && !wanted.has(event.eventId)),
        );
        if (old.size === 0) return left;
        await outliers.store(room, [...old], { areNews: true });
        left = left.filter((event) => !old.has(event));
      }
    },
  };
}
