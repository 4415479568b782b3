/**
 * Fetches missing events between the known ones and newer ones from several servers (server-server
 * API, get_missing_events).
 */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import { counted } from "../commands/extremities.ts";
import { isInGraphOf } from "../records/in-graph.ts";
import type { PeerQuery, PeerQueries } from "./peer-queries.ts";
import type { RoomStore } from "../state/store.ts";
import { listIn } from "./state-events.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";

/**
 * Events per request, and how many requests are made, each for older events than the one before.
 */
const PAGE = 20;
const ROUNDS = 3;
/** A gap is followed at most this much deeper than the lowest extremity. */
const DEPTH = 20;

export type FetchMissing = (
  query: PeerQuery,
  events: readonly RoomEvent[],
  tips: readonly StoredEvent[],
) => Promise<RoomEvent[]>;

/**
 * Fetches and verifies the events between the room's extremities (`tips`) and the given events:
 * only those that the given events build on. It is bounded; the rest of the gap stays missing.
 */
export function createFetchMissing(
  store: RoomStore,
  remote: Pick<RemoteRooms, "missingEvents">,
  keyRing: EventKeys,
  peerQueries: PeerQueries,
): FetchMissing {
  /** Prev events of these that are neither in the graph nor among them. */
  async function openEnds(room: Room, events: Iterable<RoomEvent>): Promise<Set<EventId>> {
    const coming = new Set<EventId>();
    const wanted = new Set<EventId>();
    for (const event of events) {
      coming.add(event.eventId);
      for (const id of event.prevEventIds) wanted.add(id);
    }
    const open = [...wanted].filter((id) => !coming.has(id));
    const arriving = store.pendingIds.fromNow(open);
    const known = await store.events.byIdsNow(open);
    return new Set(
      open.filter((id) => {
        const stored = known.get(id);
        if (stored !== undefined && isInGraphOf(stored, room.roomId)) return false;
        return !arriving.isInGraph(id, room.roomId);
      }),
    );
  }

  async function askOne(
    server: ServerName,
    room: Room,
    latest: readonly RoomEvent[],
    tips: readonly StoredEvent[],
  ): Promise<RoomEvent[]> {
    const lowest = Math.min(...tips.map((tip) => tip.event.depth));
    const answer = await remote.missingEvents(server, room.roomId, {
      earliest_events: counted(tips).map((tip) => tip.event.eventId),
      latest_events: latest.map((event) => event.eventId),
      limit: PAGE,
      min_depth: Math.max(0, Number.isFinite(lowest) ? lowest - DEPTH : 0),
    });
    const pdus = listIn(answer, "events");
    const verified = await verifyPdus(keyRing, pdus, room.version);
    return verified.flatMap(({ event }) => (event?.roomId === room.roomId ? event : []));
  }

  /**
   * The events of the answer that can be reached from the open ends; undefined when there are none.
   */
  function connected(answer: readonly RoomEvent[], open: ReadonlySet<EventId>) {
    const byId = new Map(answer.map((event) => [event.eventId, event]));
    const found = new Map<EventId, RoomEvent>();
    const queue = [...open];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const event = byId.get(id);
      if (event === undefined || found.has(id)) continue;
      found.set(id, event);
      queue.push(...event.prevEventIds);
    }
    return found.size === 0 ? undefined : [...found.values()];
  }

  return async (query, events, tips) => {
    const { room } = query;
    const found = new Map(events.map((event) => [event.eventId, event]));
    let latest = events;
    for (let round = 0; round < ROUNDS; round++) {
      const open = await openEnds(room, found.values());
      if (open.size === 0) break;
      latest = latest.filter((event) => event.prevEventIds.some((id) => open.has(id)));
      if (latest.length === 0) break;
      const fresh = await peerQueries.ask(query, "missing events", async (server) =>
        connected(await askOne(server, room, latest.slice(0, PAGE), tips), open),
      );
      if (fresh === undefined) break;
      for (const event of fresh) found.set(event.eventId, event);
      latest = fresh;
    }
    for (const { eventId } of events) found.delete(eventId);
    return [...found.values()];
  };
}
