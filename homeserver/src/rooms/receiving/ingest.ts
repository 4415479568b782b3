/** Takes verified events of one room in: fetches what they lack, then places them one after another. */
import { createFairQueue } from "../../platform/fair-queue.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Gaps, Sorted } from "../fetching/gaps.ts";
import { inDagOrder } from "../records/event-order.ts";
import type { FetchMissing } from "../fetching/missing-events.ts";
import type { CheckedEvent } from "./checks.ts";
import type { IngestResults, WriteOptions, GraphWriter } from "./graph-writer.ts";
import type { PeerQuery, PeerQueries } from "../fetching/peer-queries.ts";
import type { RemoteStates } from "../fetching/remote-state.ts";
import type { Room, StoredEvent, TimelinePlace } from "../api/index.ts";

export interface IngestDeps {
  readonly graphWriter: GraphWriter;
  readonly remoteStates: RemoteStates;
  readonly gaps: Gaps;
  readonly peerQueries: PeerQueries;
  /** Events between what is known and these, verified, as other servers have them. */
  readonly fetchMissing: FetchMissing;
  /** The room's state is known in part: others are not asked for states, since one of them is on its way. */
  readonly isPartial: (room: Room) => Promise<boolean>;
  /** The room's forward extremities. */
  readonly tips: (room: Room) => Promise<readonly StoredEvent[]>;
}

/** Whether this server sends the events on to the others in the room; `mayLeaveOut`: see Asking. */
type FetchOptions = Pick<WriteOptions, "forward"> & Pick<PeerQuery, "mayLeaveOut">;

export interface Ingest {
  /** Which events can be placed as things stand. */
  sort(events: readonly RoomEvent[]): Promise<Sorted>;
  /** Places events, those first that others build on. Asks nobody; never throws for a single event. */
  place(room: Room, events: readonly RoomEvent[], options: WriteOptions): Promise<IngestResults>;
  /**
   * Fetches what the events lack, from `server` and others of the room, and places them. Rooms and servers take
   * turns: throws QueueFull when too much of the server waits already. Old history has no answer: it's kept as outliers.
   */
  fetchAndPlace(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: FetchOptions,
  ): Promise<IngestResults>;
  /** One or the other, as the events need. */
  batch(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: FetchOptions,
  ): Promise<IngestResults>;
  /** Places one event of which nothing is missing; throws when something is. */
  one(room: Room, event: RoomEvent): Promise<CheckedEvent>;
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
  const { remoteStates, gaps, peerQueries, graphWriter } = deps;
  const byOrigin = createFairQueue<ServerName>(OF_ORIGIN);
  const inRoom = createFairQueue<string>(IN_ROOM);

  async function remoteStateBefore(query: PeerQuery, event: RoomEvent) {
    return (await deps.isPartial(query.room)) ? undefined : remoteStates.before(query, event);
  }

  async function completeAuth(query: PeerQuery, events: readonly RoomEvent[]): Promise<void> {
    for (const event of await gaps.withoutAuth(events))
      await remoteStates.completeAuth(query, event);
  }

  async function fillGaps(query: PeerQuery, withGaps: readonly RoomEvent[]): Promise<void> {
    const tips = await deps.tips(query.room);
    const missing = await deps.fetchMissing(query, withGaps, tips);
    if (missing.length > 0)
      await fetchFor(query, missing, { origin: query.first[0], fetched: true });
  }

  async function fetchFor(
    query: PeerQuery,
    events: readonly RoomEvent[],
    { fetched = false, ...options }: WriteOptions & { fetched?: boolean },
  ): Promise<IngestResults> {
    const { room } = query;
    const all = inDagOrder(events);
    await completeAuth(query, all);
    const sorted = await gaps.withoutOld(room, all);
    const withGaps = await gaps.withGaps(sorted);
    if (withGaps.length > 0 && !fetched) await fillGaps(query, withGaps);
    const left = withGaps.length === 0 ? [] : await gaps.withGaps(sorted);
    return graphWriter.writeAll(room, sorted, options, async (event) =>
      left.includes(event) ? remoteStateBefore(query, event) : undefined,
    );
  }

  const ingest: Ingest = {
    sort: gaps.sort,
    place: (room, events, options) => graphWriter.writeAll(room, inDagOrder(events), options),
    fetchAndPlace: (server, room, events, { mayLeaveOut, ...options } = {}) =>
      inRoom.run(`${room.nid} ${server}`, () =>
        byOrigin.run(server, async () => {
          const senders = events.map((event) => serverOf(event.sender));
          const query = { ...peerQueries.begin(room, [server, ...senders]), mayLeaveOut };
          return fetchFor(query, events, { ...options, origin: server });
        }),
      ),
    async batch(server, room, events, options = {}) {
      const { whole, lacking } = await gaps.sort(events);
      const results = await ingest.place(room, whole, { ...options, origin: server });
      if (lacking.length === 0) return results;
      const fetched = await ingest.fetchAndPlace(server, room, lacking, options);
      return new Map([...results, ...fetched]);
    },
    one: graphWriter.writeOne,
    async history(server, room, events, before) {
      // History changes no state of today's.
      const query = { ...peerQueries.begin(room, [server]), mayLeaveOut: true };
      const sorted = inDagOrder(events);
      await completeAuth(query, sorted);
      const hints = await graphWriter.hintsFor(room, sorted);
      const alreadyWritten = await gaps.placed(room, sorted);
      const withMissingPrev = await gaps.withGaps(sorted);
      let placed = 0;
      for (const [i, event] of sorted.entries()) {
        if (alreadyWritten.has(event.eventId)) continue;
        const state = withMissingPrev.includes(event)
          ? await remoteStateBefore(query, event)
          : undefined;
        const place = {
          position: before.position,
          ordinal: before.ordinal - (sorted.length - i),
        };
        const placeable = { event, remoteState: state, hints, history: place };
        const result = await graphWriter.write(room, placeable, { origin: server });
        if ("placed" in result) placed += 1;
      }
      return placed;
    },
  };
  return ingest;
}
