/** Takes verified events of one room in: fetches what they lack, then places them one after another. */
import { createLanes } from "../../platform/fair-queue.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Gaps, Sorted } from "../fetching/gaps.ts";
import { inDagOrder } from "../records/event-order.ts";
import type { FetchMissing } from "../fetching/missing-events.ts";
import type { Placed } from "./checks.ts";
import type { Ingestion, PlaceOptions, Placer } from "./graph-writer.ts";
import type { Asking, Sources } from "../fetching/peer-queries.ts";
import type { ToldStates } from "../fetching/remote-state.ts";
import type { Room, StoredEvent, TimelinePlace } from "../api/index.ts";

export interface IngestDeps {
  readonly placer: Placer;
  readonly told: ToldStates;
  readonly gaps: Gaps;
  readonly sources: Sources;
  /** Events between what is known and these, verified, as other servers have them. */
  readonly fetchMissing: FetchMissing;
  /** The room's state is known in part: others are not asked for states, since one of them is on its way. */
  readonly isPartial: (room: Room) => Promise<boolean>;
  /** The room's forward extremities. */
  readonly tips: (room: Room) => Promise<readonly StoredEvent[]>;
}

/** Whether this server sends the events on to the others in the room; `mayLeaveOut`: see Asking. */
type FetchOptions = Pick<PlaceOptions, "forward"> & Pick<Asking, "mayLeaveOut">;

export interface Ingest {
  /** Which events can be placed as things stand. */
  sort(events: readonly RoomEvent[]): Promise<Sorted>;
  /** Places events, those first that others build on. Asks nobody; never throws for a single event. */
  place(room: Room, events: readonly RoomEvent[], options: PlaceOptions): Promise<Ingestion>;
  /**
   * Fetches what the events lack, from `server` and others of the room, and places them. Rooms and servers take
   * turns: throws LaneFull when too much of the server waits already. Old history has no answer: it's kept as outliers.
   */
  fetchAndPlace(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: FetchOptions,
  ): Promise<Ingestion>;
  /** One or the other, as the events need. */
  batch(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: FetchOptions,
  ): Promise<Ingestion>;
  /** Places one event of which nothing is missing; throws when something is. */
  one(room: Room, event: RoomEvent): Promise<Placed>;
  /** History: the same without the head, in front of a place in the timeline. */
  history(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    before: TimelinePlace,
  ): Promise<number>;
}

/**
 * Undertakings that ask other servers: on behalf of one origin in one room, of one origin, of all, at once. So a room
 * takes one of its origin's places at most, and an origin its part of all places.
 */
const IN_ROOM = { perKey: 1, total: Infinity, maxWaiting: 8 };
const OF_ORIGIN = { perKey: 4, total: 24, maxWaiting: 64 };

export function createIngest(deps: IngestDeps): Ingest {
  const { told, gaps, sources, placer } = deps;
  const byOrigin = createLanes<ServerName>(OF_ORIGIN);
  const inRoom = createLanes<string>(IN_ROOM);

  async function toldBefore(asking: Asking, event: RoomEvent) {
    return (await deps.isPartial(asking.room)) ? undefined : told.before(asking, event);
  }

  async function completeAuth(asking: Asking, events: readonly RoomEvent[]): Promise<void> {
    for (const event of await gaps.withoutAuth(events)) await told.completeAuth(asking, event);
  }

  async function fillGaps(asking: Asking, withGaps: readonly RoomEvent[]): Promise<void> {
    const tips = await deps.tips(asking.room);
    const missing = await deps.fetchMissing(asking, withGaps, tips);
    if (missing.length > 0)
      await fetchFor(asking, missing, { origin: asking.first[0], fetched: true });
  }

  async function fetchFor(
    asking: Asking,
    events: readonly RoomEvent[],
    { fetched = false, ...options }: PlaceOptions & { fetched?: boolean },
  ): Promise<Ingestion> {
    const { room } = asking;
    const all = inDagOrder(events);
    await completeAuth(asking, all);
    const sorted = await gaps.withoutOld(room, all);
    const withGaps = await gaps.withGaps(sorted);
    if (withGaps.length > 0 && !fetched) await fillGaps(asking, withGaps);
    const left = withGaps.length === 0 ? [] : await gaps.withGaps(sorted);
    return placer.sorted(room, sorted, options, async (event) =>
      left.includes(event) ? toldBefore(asking, event) : undefined,
    );
  }

  const ingest: Ingest = {
    sort: gaps.sort,
    place: (room, events, options) => placer.sorted(room, inDagOrder(events), options),
    fetchAndPlace: (server, room, events, { mayLeaveOut, ...options } = {}) =>
      inRoom.run(`${room.nid} ${server}`, () =>
        byOrigin.run(server, async () => {
          const senders = events.map((event) => serverOf(event.sender));
          const asking = { ...sources.asking(room, [server, ...senders]), mayLeaveOut };
          return fetchFor(asking, events, { ...options, origin: server });
        }),
      ),
    async batch(server, room, events, options = {}) {
      const { whole, lacking } = await gaps.sort(events);
      const results = await ingest.place(room, whole, { ...options, origin: server });
      if (lacking.length === 0) return results;
      const fetched = await ingest.fetchAndPlace(server, room, lacking, options);
      return new Map([...results, ...fetched]);
    },
    one: placer.one,
    async history(server, room, events, before) {
      // History changes no state of today's.
      const asking = { ...sources.asking(room, [server]), mayLeaveOut: true };
      const sorted = inDagOrder(events);
      await completeAuth(asking, sorted);
      const hints = await placer.hintsFor(room, sorted);
      const placedAlready = await gaps.placed(room, sorted);
      const tellable = await gaps.withGaps(sorted);
      let placed = 0;
      for (const [i, event] of sorted.entries()) {
        if (placedAlready.has(event.eventId)) continue;
        const state = tellable.includes(event) ? await toldBefore(asking, event) : undefined;
        const place = {
          position: before.position,
          ordinal: before.ordinal - (sorted.length - i),
        };
        const placeable = { event, told: state, hints, history: place };
        const result = await placer.outcome(room, placeable, { origin: server });
        if ("placed" in result) placed += 1;
      }
      return placed;
    },
  };
  return ingest;
}
