/**
 * Ingests verified events of one room: fetches what they lack, then adds them one after another.
 */
import { createFairQueue } from "../../platform/fair-queue.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Gaps, SortedEvents } from "../fetching/gaps.ts";
import { inDagOrder } from "../records/event-order.ts";
import type { FetchMissing } from "../fetching/missing-events.ts";
import type { CheckedEvent } from "./add-to-graph.ts";
import type { IngestResults, WriteOptions, GraphWriter } from "./graph-writer.ts";
import type { PeerQuery, PeerQueries } from "../fetching/peer-queries.ts";
import type { RemoteStates } from "../fetching/remote-state.ts";
import type { Room, StoredEvent, TimelinePlace } from "../api/index.ts";

export interface IngestDeps {
  readonly graphWriter: GraphWriter;
  readonly remoteStates: RemoteStates;
  readonly gaps: Gaps;
  readonly peerQueries: PeerQueries;
  /** Fetches the verified events between the known ones and these from other servers. */
  readonly fetchMissing: FetchMissing;
  /**
   * The room has partial state: no states are fetched for its events, since its whole state is
   * already on the way.
   */
  readonly isPartial: (room: Room) => Promise<boolean>;
  /** The room's forward extremities. */
  readonly tips: (room: Room) => Promise<readonly StoredEvent[]>;
}

/**
 * `forward`: whether this server forwards the events to the others in the room. `mayLeaveOut`: see
 * PeerQuery.
 */
type FetchOptions = Pick<WriteOptions, "forward"> & Pick<PeerQuery, "mayLeaveOut">;

export interface Ingest {
  /** Which of the events lack nothing. */
  sort(events: readonly RoomEvent[]): Promise<SortedEvents>;
  /**
   * Adds events, prev events first. Asks no other server; never throws because of a single event.
   */
  add(room: Room, events: readonly RoomEvent[], options: WriteOptions): Promise<IngestResults>;
  /**
   * Fetches what the events lack, from `server` and others in the room, and adds them. Fair between
   * rooms and servers: throws QueueFull when too many tasks of the server wait. Events older than
   * the known history have no result: they are kept as outliers.
   */
  fetchAndPlace(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: FetchOptions,
  ): Promise<IngestResults>;
  /** Adds what lacks nothing and fetches for the rest. */
  batch(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: FetchOptions,
  ): Promise<IngestResults>;
  /** Adds one event that lacks nothing; throws when something is missing. */
  one(room: Room, event: RoomEvent): Promise<CheckedEvent>;
  /**
   * Backfill: adds events in front of a position in the timeline, without moving the head. Returns
   * how many were added.
   */
  history(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    before: TimelinePlace,
  ): Promise<number>;
}

/**
 * Limits on tasks that query other servers: per origin and room, per origin, in total. So one room
 * uses at most one of its origin's places, and an origin only its share of all places.
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
    add: (room, events, options) => graphWriter.writeAll(room, inDagOrder(events), options),
    fetchAndPlace: (server, room, events, { mayLeaveOut, ...options } = {}) =>
      inRoom.run(`${room.nid} ${server}`, () =>
        byOrigin.run(server, async () => {
          const senders = events.map((event) => serverOf(event.sender));
          const query = { ...peerQueries.begin(room, [server, ...senders]), mayLeaveOut };
          return fetchFor(query, events, { ...options, origin: server });
        }),
      ),
    async batch(server, room, events, options = {}) {
      const { complete, lacking } = await gaps.sort(events);
      const results = await ingest.add(room, complete, { ...options, origin: server });
      if (lacking.length === 0) return results;
      const fetched = await ingest.fetchAndPlace(server, room, lacking, options);
      return new Map([...results, ...fetched]);
    },
    one: graphWriter.writeOne,
    async history(server, room, events, before) {
      // Old events do not change the current state.
      const query = { ...peerQueries.begin(room, [server]), mayLeaveOut: true };
      const sorted = inDagOrder(events);
      await completeAuth(query, sorted);
      const hints = await graphWriter.hintsFor(room, sorted);
      const alreadyWritten = await gaps.inGraph(room, sorted);
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
