/** Takes verified events of one room in: fetches what they lack, then places them one after another. */
import { DuplicateEvent, Unstorable } from "../log/types.ts";
import { createLanes } from "../platform/lanes.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomEvent } from "../protocol/event.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { redactionsOf } from "../storage/room-events.ts";
import { awaitedEvents } from "../storage/room-gaps.ts";
import { lowestOrdinal } from "../storage/room-timeline.ts";
import type { Gaps, Sorted } from "./gaps.ts";
import type { Mailboxes } from "./mailboxes.ts";
import { inDagOrder } from "./outliers.ts";
import type { Crowded } from "./merge-extremities.ts";
import type { FetchMissing } from "./missing.ts";
import { isPlaced, placeEvent } from "./place.ts";
import type { Placed, Placing } from "./place.ts";
import type { Asking, Sources } from "./sources.ts";
import type { RoomStore } from "./store.ts";
import type { ToldStates } from "./told-state.ts";
import type { Room, StoredEvent, TimelinePlace } from "./types.ts";
import { Work } from "./work.ts";
import type { Identity } from "./drafting.ts";

export interface IngestDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly identity: Identity;
  readonly told: ToldStates;
  readonly gaps: Gaps;
  readonly sources: Sources;
  /** Events between what is known and these, verified, as other servers have them. */
  readonly fetchMissing: FetchMissing;
  /** The room's forward extremities. */
  readonly tips: (room: Room) => Promise<readonly StoredEvent[]>;
  readonly crowded: Crowded;
  readonly logger: Logger;
}

/** What became of an event: placed, or why not. `isFinal`: it can't be placed, whatever comes. */
export type Ingested =
  | { readonly placed: Placed }
  | { readonly error: string; readonly isFinal: boolean };

export type Ingestion = Map<EventId, Ingested>;

export interface IngestOptions {
  /** This server sends the events on to the others in the room. */
  readonly forward?: boolean;
}

export interface Ingest {
  /** Which events can be placed as things stand. */
  sort(events: readonly RoomEvent[]): Promise<Sorted>;
  /** Places events, those first that others build on. Asks nobody; never throws for a single event. */
  place(room: Room, events: readonly RoomEvent[], options?: IngestOptions): Promise<Ingestion>;
  /**
   * Fetches what the events lack, from `server` and others of the room, and places them. Rooms and servers take
   * turns: throws LaneFull when too much of the server waits already. Old history has no answer: it's kept as outliers.
   */
  fetchAndPlace(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: IngestOptions,
  ): Promise<Ingestion>;
  /** One or the other, as the events need. */
  batch(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: IngestOptions,
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

interface Hints {
  readonly outlier: StoredEvent | undefined;
  readonly mayBeRedacted: boolean;
  readonly awaitedAt: number | undefined;
}

/** Undertakings that ask other servers: of one origin, in one room, in all, at once. */
const OF_ORIGIN = { perKey: 4, total: 24, maxWaiting: 32 };
const IN_ROOM = { perKey: 1, total: 24, maxWaiting: 8 };

export function createIngest(deps: IngestDeps): Ingest {
  const { store, mailboxes, identity, told, gaps, sources, logger } = deps;
  const byOrigin = createLanes<ServerName>(OF_ORIGIN);
  const byRoom = createLanes<number>(IN_ROOM);

  async function hintsFor(
    room: Room,
    events: readonly RoomEvent[],
  ): Promise<(event: RoomEvent) => Hints> {
    const ids = events.map((event) => event.eventId);
    const [known, redactions, awaited] = await Promise.all([
      store.events.byIds(ids),
      redactionsOf(store.sql, ids),
      awaitedEvents(store.sql, room.nid, ids),
    ]);
    const redacted = new Set(redactions.map((row) => row.target));
    const awaitedAt = new Map(awaited.toReversed().map((row) => [row.eventId, row.position]));
    return ({ eventId }) => ({
      outlier: known.get(eventId),
      mayBeRedacted: redacted.has(eventId),
      awaitedAt: awaitedAt.get(eventId),
    });
  }

  async function completeAuth(asking: Asking, events: readonly RoomEvent[]): Promise<void> {
    for (const event of await gaps.withoutAuth(events)) await told.completeAuth(asking, event);
  }

  async function put(room: Room, placing: Placing, awaited: boolean): Promise<Placed> {
    try {
      return await mailboxes.run(room, async (head) => {
        const work = new Work(store, identity, head);
        try {
          const placed = await placeEvent(store, work, placing);
          if (placed === undefined) throw new Incomplete("prev or auth events are missing");
          if (work.added.length === 0) return { value: placed };
          deps.crowded(room, work.extremities.length);
          return work.step(placed, { append: gapRows(room, placed, awaited) });
        } catch (error) {
          work.abandon();
          throw error;
        }
      });
    } catch (error) {
      if (!(error instanceof DuplicateEvent)) throw error;
      const stored = await store.events.byId(placing.event.eventId);
      if (stored === undefined) throw error;
      return { stored, reason: undefined, missing: [] };
    }
  }

  /** What awaits the event gets it in front of itself; otherwise it's news. */
  async function historyOf(room: Room, { awaitedAt }: Hints): Promise<Placing["history"]> {
    if (awaitedAt === undefined) return undefined;
    const ordinal = (await lowestOrdinal(store.sql, room.nid, awaitedAt)) - 1;
    return { position: awaitedAt, ordinal };
  }

  async function outcome(work: Promise<Placed>, event: RoomEvent): Promise<Ingested> {
    try {
      const placed = await work;
      if (placed.reason !== undefined) {
        const { status } = placed.stored;
        const fields = { room: event.roomId, event: event.eventId, reason: placed.reason };
        logger.info(fields, `an event was ${status}`);
      }
      return { placed };
    } catch (error) {
      const fields = { err: error, room: event.roomId, event: event.eventId };
      logger.warn(fields, "an event could not be placed");
      const isFinal = error instanceof Unstorable;
      const known = isFinal || error instanceof Incomplete;
      return { error: known ? error.message : "The event could not be placed", isFinal };
    }
  }

  /** `stateOf` gives what others say of the state before an event, where that is needed. */
  async function placeSorted(
    room: Room,
    sorted: readonly RoomEvent[],
    { forward }: IngestOptions,
    stateOf?: (event: RoomEvent) => Promise<Placing["told"]>,
  ): Promise<Ingestion> {
    const hints = await hintsFor(room, sorted);
    const results = new Map<EventId, Promise<Ingested>>();
    for (const event of sorted) {
      // What tells the state needs the events before: those are on their way to the mailbox already.
      const state = await stateOf?.(event);
      const hint = hints(event);
      const history = await historyOf(room, hint);
      const placing = { event, told: state, history, forwarded: forward, ...hint };
      results.set(event.eventId, outcome(put(room, placing, history !== undefined), event));
    }
    const settled: Ingestion = new Map();
    for (const [id, result] of results) settled.set(id, await result);
    return settled;
  }

  async function fillGaps(asking: Asking, withGaps: readonly RoomEvent[]): Promise<void> {
    const tips = await deps.tips(asking.room);
    const missing = await deps.fetchMissing(asking, withGaps, tips);
    if (missing.length > 0) await fetchFor(asking, missing, { fetched: true });
  }

  async function fetchFor(
    asking: Asking,
    events: readonly RoomEvent[],
    { fetched = false, ...options }: IngestOptions & { fetched?: boolean },
  ): Promise<Ingestion> {
    const { room } = asking;
    const all = inDagOrder(events);
    await completeAuth(asking, all);
    const sorted = await gaps.withoutOld(room, all);
    const withGaps = await gaps.withGaps(sorted);
    if (withGaps.length > 0 && !fetched) await fillGaps(asking, withGaps);
    const left = withGaps.length === 0 ? [] : await gaps.withGaps(sorted);
    return placeSorted(room, sorted, options, async (event) =>
      left.includes(event) ? told.before(asking, event) : undefined,
    );
  }

  const ingest: Ingest = {
    sort: gaps.sort,
    place: (room, events, options = {}) => placeSorted(room, inDagOrder(events), options),
    fetchAndPlace: (server, room, events, options = {}) =>
      byOrigin.run(server, () =>
        byRoom.run(room.nid, async () => {
          const senders = events.map((event) => serverOf(event.sender));
          return fetchFor(sources.asking(room, [server, ...senders]), events, options);
        }),
      ),
    async batch(server, room, events, options = {}) {
      const { whole, lacking } = await gaps.sort(events);
      const results = await ingest.place(room, whole, options);
      if (lacking.length === 0) return results;
      const fetched = await ingest.fetchAndPlace(server, room, lacking, options);
      return new Map([...results, ...fetched]);
    },
    async one(room, event) {
      const hints = (await hintsFor(room, [event]))(event);
      return put(room, { event, ...hints }, false);
    },
    async history(server, room, events, before) {
      const asking = sources.asking(room, [server]);
      const sorted = inDagOrder(events);
      await completeAuth(asking, sorted);
      const hints = await hintsFor(room, sorted);
      const tellable = await gaps.withGaps(sorted);
      let placed = 0;
      for (const [i, event] of sorted.entries()) {
        const { outlier, mayBeRedacted } = hints(event);
        if (outlier !== undefined && isPlaced(outlier)) continue;
        const state = tellable.includes(event) ? await told.before(asking, event) : undefined;
        const history = {
          position: before.position,
          ordinal: before.ordinal - (sorted.length - i),
        };
        const placing = { event, told: state, outlier, mayBeRedacted, history };
        const result = await outcome(put(room, placing, true), event);
        if ("placed" in result) placed += 1;
      }
      return placed;
    },
  };
  return ingest;
}

/** Something that the event builds on is not to be had now. */
class Incomplete extends Error {
  override name = "Incomplete";
}

function gapRows(room: Room, placed: Placed, awaited: boolean) {
  const { stored, missing } = placed;
  const add =
    stored.status === "rejected"
      ? []
      : missing.map((eventId) => ({ roomNid: room.nid, eventId, childNid: stored.nid }));
  const remove = awaited ? [{ roomNid: room.nid, eventId: stored.event.eventId }] : [];
  return add.length === 0 && remove.length === 0 ? {} : { missing: { add, remove } };
}
