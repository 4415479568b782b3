/** Backfill: fetches missing history from other servers and adds it to the timeline. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { createSemaphore } from "../../platform/semaphore.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { serversByStay } from "../../storage/rooms/members.ts";
import { gapsBetween } from "../../storage/rooms/timeline.ts";
import type { Gap } from "../../storage/rooms/timeline.ts";
import type { Ingest } from "../receiving/ingest.ts";
import { isInGraph } from "../records/in-graph.ts";
import { createBackfillOrdinals } from "./backfill-ordinals.ts";
import type { PeerQueries } from "../fetching/peer-queries.ts";
import type { RoomStore } from "../state/store.ts";
import { listIn } from "../fetching/state-events.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room, TimelinePlace } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";

/** A range of a room's timeline, both ends included. */
export interface Span {
  readonly from: TimelinePlace;
  readonly to: TimelinePlace;
}

/**
 * "whole": nothing is missing in the range, or nobody has it. "filled": events were added. "open":
 * history is missing and cannot be had now.
 */
type GapOutcome = "whole" | "filled" | "open";

export interface Backfill {
  /** Fetches what is missing in a range of the timeline, newest first. */
  fill(room: Room, span: Span): Promise<GapOutcome>;
  /**
   * Positions of the events in the range before which history is missing that may still be had,
   * newest first.
   */
  openPlaces(room: Room, span: Span): Promise<TimelinePlace[]>;
  /** Fetches one missing event of the range, and some before it. */
  fetch(server: ServerName, room: Room, eventId: EventId, span: Span): Promise<void>;
  /** Servers to ask, those longest in the room first. */
  servers(room: Room): Promise<ServerName[]>;
}

export interface BackfillDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly ingest: Ingest;
  readonly remote: Pick<RemoteRooms, "backfill">;
  readonly keyRing: EventKeys;
  readonly peerQueries: PeerQueries;
  /** Whether a room's state is still being fetched: until then history cannot be added. */
  readonly isPartial: (roomNid: number) => Promise<boolean>;
}

interface OpenGap {
  readonly key: string;
  readonly gap: Gap;
  readonly missing: readonly EventId[];
}

const PAGE = 100;
/** How many of the servers that are longest in the room are asked before all others. */
const OLDEST = 3;
const GAPS_TRIED = 3;
/**
 * Rooms backfilled at once. When more than MAX_WAITING others wait, further ones are answered as
 * "open".
 */
const MAX_CONCURRENT = 8;
const MAX_WAITING = 200;
/** A gap that no asked server could fill is left alone for this long. */
const HOPELESS_MS = 10 * 60_000;

export function createBackfill(deps: BackfillDeps): Backfill {
  const { store, ingest, remote, keyRing, peerQueries } = deps;
  const flights = createSingleFlight<string, GapOutcome>();
  const places = createSemaphore(MAX_CONCURRENT, MAX_WAITING);
  const hopeless = new LRUCache<string, true>({ ...atMost(10_000), ttl: HOPELESS_MS });
  const ordinals = createBackfillOrdinals(store);

  /**
   * Verified events of the room up to and including the given ones, as far as they are not in the
   * graph here. Events that belong to another gap farther back are left to that gap.
   */
  async function ask(server: ServerName, room: Room, from: readonly EventId[]) {
    const answer = await remote.backfill(server, room.roomId, from, PAGE);
    const pdus = listIn(answer, "pdus");
    const verified = await verifyPdus(keyRing, pdus, room.version);
    const events = verified.flatMap(({ event }) =>
      event === undefined || event.roomId !== room.roomId ? [] : event,
    );
    const known = await store.events.byIds(events.map((event) => event.eventId));
    const isHere = ({ eventId }: RoomEvent) => {
      const stored = known.get(eventId);
      return stored !== undefined && isInGraph(stored);
    };
    const fresh = new Map(
      events.filter((event) => !isHere(event)).map((event) => [event.eventId, event]),
    );
    const own = reachable(fresh, from);
    const behind = events.filter(isHere).flatMap((event) => event.prevEventIds);
    const others = reachable(fresh, behind);
    return [...fresh.values()].filter(({ eventId }) => own.has(eventId) || !others.has(eventId));
  }

  async function servers(room: Room): Promise<ServerName[]> {
    const found = (await serversByStay(store.sql, room.nid, OLDEST + 1)) as ServerName[];
    return found.filter((server) => server !== deps.serverName);
  }

  /** The servers that sent the events naming the missing ones: these most likely have them. */
  async function firstServers(room: Room, gap: Gap): Promise<ServerName[]> {
    const child = await store.events.one(gap.childNid);
    const sender = child === undefined ? [] : [serverOf(child.event.sender)];
    return [...sender, ...(await servers(room))];
  }

  async function fillGap(room: Room, gap: Gap, missing: readonly EventId[]): Promise<GapOutcome> {
    let [answers, failures] = [0, 0];
    const query = peerQueries.begin(room, await firstServers(room, gap));
    const placed = await peerQueries.ask(query, "history", async (server) => {
      failures += 1;
      const fresh = await ask(server, room, missing);
      const top = await ordinals.under(room, gap, fresh.length);
      const before = { position: gap.position, ordinal: top };
      const count = await ingest.history(server, room, fresh, before);
      // Events that cannot be added now may be added another time.
      if (fresh.length === 0) {
        failures -= 1;
        answers += 1;
      }
      return count > 0 ? count : undefined;
    });
    if (placed !== undefined) return "filled";
    return failures > 0 || answers === 0 ? "open" : "whole";
  }

  /**
   * Gaps of the range that some server may fill, with all that is missing in front of the same
   * event.
   */
  async function openGaps(room: Room, { from, to }: Span): Promise<OpenGap[]> {
    const gaps = await gapsBetween(store.sql, room.nid, from, to);
    const byChild = Map.groupBy(gaps, (gap) => gap.childNid);
    const open = [...byChild.values()].map((own) => {
      const missing = own.map((gap) => gap.eventId as EventId);
      return { key: `${room.nid} ${missing.join()}`, gap: own[0]!, missing };
    });
    return open.filter(({ key }) => !hopeless.has(key));
  }

  function fillOnce({ key, gap, missing }: OpenGap, room: Room): Promise<GapOutcome> {
    return flights.run(key, async () => {
      const leave = await places.acquire();
      if (leave === undefined) return "open";
      try {
        const outcome = await fillGap(room, gap, missing);
        if (outcome === "whole") hopeless.set(key, true);
        return outcome;
      } finally {
        leave();
      }
    });
  }

  return {
    servers,
    async openPlaces(room, span) {
      const open = await openGaps(room, span);
      return open.map(({ gap: { position, ordinal } }) => ({ position, ordinal }));
    },
    async fill(room, span) {
      const open = await openGaps(room, span);
      if (open.length > 0 && (await deps.isPartial(room.nid))) return "open";
      // The newest gap first: its events may close the others. A gap that nobody can fill does not
      // hide the others.
      for (const one of open.slice(0, GAPS_TRIED)) {
        const outcome = await fillOnce(one, room);
        if (outcome !== "whole") return outcome;
      }
      return open.length > GAPS_TRIED ? "open" : "whole";
    },
    async fetch(server, room, eventId, span) {
      if (await deps.isPartial(room.nid)) return;
      const leave = await places.acquire();
      if (leave === undefined) return;
      try {
        const fresh = await ask(server, room, [eventId]);
        const wanted = fresh.find((event: RoomEvent) => event.eventId === eventId);
        if (wanted === undefined) return;
        const gaps = await gapsBetween(store.sql, room.nid, span.from, span.to);
        const before = await ordinals.within(room, gaps, wanted.depth, fresh.length);
        if (before !== undefined) await ingest.history(server, room, fresh, before);
      } finally {
        leave();
      }
    },
  };
}

/** The events that can be reached from these ids through prev events. */
function reachable(
  events: ReadonlyMap<EventId, RoomEvent>,
  from: readonly EventId[],
): ReadonlySet<EventId> {
  const found = new Set<EventId>();
  const queue = [...from];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const event = events.get(id);
    if (event === undefined || found.has(id)) continue;
    found.add(id);
    queue.push(...event.prevEventIds);
  }
  return found;
}
