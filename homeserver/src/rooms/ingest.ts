/** Takes verified events of one room in: fetches what they lack, then places them one after another. */
import { DuplicateEvent, Unstorable } from "../log/types.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomEvent } from "../protocol/event.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { redactionsOf } from "../storage/room-events.ts";
import { awaitedEvents, lowestGapDepth } from "../storage/room-gaps.ts";
import { lowestOrdinal } from "../storage/room-timeline.ts";
import type { Mailboxes } from "./mailboxes.ts";
import { inDagOrder } from "./outliers.ts";
import type { Outliers } from "./outliers.ts";
import { isPlaced, placeEvent } from "./place.ts";
import type { Placed, Placing } from "./place.ts";
import type { RoomStore } from "./store.ts";
import type { ToldStates } from "./told-state.ts";
import type { Room, StoredEvent } from "./types.ts";
import { Work } from "./work.ts";
import type { Identity } from "./drafting.ts";

export interface IngestDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly identity: Identity;
  readonly told: ToldStates;
  readonly outliers: Outliers;
  /** Events between what is known and these, verified, as another server has them. */
  readonly fetchMissing: (
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
  ) => Promise<RoomEvent[]>;
  readonly logger: Logger;
}

/** What became of an event: placed, or why it could not be (it may come again). */
export type Ingested = { readonly placed: Placed } | { readonly error: string };

export interface Ingest {
  /**
   * In any order; the answer is by event id. Never throws for a single event. `forward`: this server sends the events
   * on to the others in the room.
   */
  batch(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    options?: { readonly forward?: boolean },
  ): Promise<Map<EventId, Ingested>>;
  /** Places one event of which nothing is missing; throws when something is. */
  one(room: Room, event: RoomEvent): Promise<Placed>;
  /** History: the same without the head, in front of a place in the timeline. */
  history(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    before: { readonly position: number },
  ): Promise<number>;
}

interface Hints {
  readonly outlier: StoredEvent | undefined;
  readonly mayBeRedacted: boolean;
  readonly awaitedAt: number | undefined;
}

export function createIngest(deps: IngestDeps): Ingest {
  const { store, mailboxes, identity, told, logger } = deps;

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

  /** Events that name prev events which are neither placed nor in the batch. */
  async function withGaps(events: readonly RoomEvent[]): Promise<RoomEvent[]> {
    const coming = new Set(events.map((event) => event.eventId));
    const wanted = new Set(events.flatMap((event) => event.prevEventIds));
    const known = await store.events.byIds([...wanted].filter((id) => !coming.has(id)));
    return events.filter((event) =>
      event.prevEventIds.some((id) => {
        const prev = known.get(id);
        return !coming.has(id) && (prev === undefined || !isPlaced(prev));
      }),
    );
  }

  /**
   * Leaves out what lies before the history that is known here: it would look like a fork. It's kept as outliers,
   * unless a gap awaits it.
   */
  async function withoutOld(room: Room, events: readonly RoomEvent[]): Promise<RoomEvent[]> {
    let left = [...events];
    for (;;) {
      const gaps = new Set(await withGaps(left));
      const loose = left.filter((event) => gaps.has(event) || event.prevEventIds.length === 0);
      if (loose.length === 0) return left;
      const floor = (await lowestGapDepth(store.sql, room.nid)) ?? 0;
      const awaited = await awaitedEvents(
        store.sql,
        room.nid,
        loose.map((event) => event.eventId),
      );
      const wanted = new Set(awaited.map((row) => row.eventId));
      const old = new Set(
        loose.filter((event) => event.depth <= floor && !wanted.has(event.eventId)),
      );
      if (old.size === 0) return left;
      await deps.outliers.store(room, [...old]);
      left = left.filter((event) => !old.has(event));
    }
  }

  async function completeAuth(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
  ): Promise<void> {
    const coming = new Set(events.map((event) => event.eventId));
    const wanted = new Set(events.flatMap((event) => event.authEventIds));
    const known = await store.events.byIds([...wanted].filter((id) => !coming.has(id)));
    for (const event of events) {
      if (event.authEventIds.every((id) => coming.has(id) || known.has(id))) continue;
      await told.completeAuth(server, room, event).catch((error: unknown) => {
        logger.info({ err: error, room: room.roomId }, "auth events could not be fetched");
      });
    }
  }

  async function place(room: Room, placing: Placing, awaited: boolean): Promise<Placed> {
    try {
      return await mailboxes.run(room, async (head) => {
        const work = new Work(store, identity, head);
        try {
          const placed = await placeEvent(store, work, placing);
          if (placed === undefined) throw new Incomplete("prev or auth events are missing");
          if (work.added.length === 0) return { value: placed };
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
      const known = error instanceof Incomplete || error instanceof Unstorable;
      return { error: known ? error.message : "The event could not be placed" };
    }
  }

  async function fillGaps(
    server: ServerName,
    room: Room,
    gaps: readonly RoomEvent[],
  ): Promise<void> {
    const missing = await deps.fetchMissing(server, room, gaps).catch((error: unknown) => {
      logger.info({ err: error, room: room.roomId }, "missing events could not be fetched");
      return [];
    });
    if (missing.length > 0) await batch(server, room, missing, { fetched: true });
  }

  async function batch(
    server: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    { fetched = false, forward = false } = {},
  ): Promise<Map<EventId, Ingested>> {
    const all = inDagOrder(events);
    await completeAuth(server, room, all);
    const sorted = await withoutOld(room, all);
    const gaps = await withGaps(sorted);
    if (gaps.length > 0 && !fetched) await fillGaps(server, room, gaps);
    const hints = await hintsFor(room, sorted);
    const tellable = gaps.length === 0 ? [] : await withGaps(sorted);
    const results = new Map<EventId, Promise<Ingested>>();
    for (const event of sorted) {
      // What tells the state needs the events before: those are on their way to the mailbox already.
      const state = tellable.includes(event)
        ? await told.before(server, room, event).catch((error: unknown) => {
            logger.info({ err: error, room: room.roomId }, "the state could not be asked for");
            return undefined;
          })
        : undefined;
      const hint = hints(event);
      const history = await historyOf(room, hint);
      const placing = { event, told: state, history, forwarded: forward, ...hint };
      const placed = place(room, placing, history !== undefined);
      results.set(event.eventId, outcome(placed, event));
    }
    const settled = new Map<EventId, Ingested>();
    for (const [id, result] of results) settled.set(id, await result);
    return settled;
  }

  return {
    batch: (server, room, events, options) => batch(server, room, events, options),
    async one(room, event) {
      const hints = (await hintsFor(room, [event]))(event);
      return place(room, { event, ...hints }, false);
    },
    async history(server, room, events, before) {
      const sorted = inDagOrder(events);
      await completeAuth(server, room, sorted);
      const hints = await hintsFor(room, sorted);
      const tellable = await withGaps(sorted);
      const lowest = await lowestOrdinal(store.sql, room.nid, before.position);
      let placed = 0;
      for (const [i, event] of sorted.entries()) {
        const { outlier, mayBeRedacted } = hints(event);
        if (outlier !== undefined && isPlaced(outlier)) continue;
        const state = tellable.includes(event)
          ? await told.before(server, room, event).catch(() => undefined)
          : undefined;
        const history = { position: before.position, ordinal: lowest - (sorted.length - i) };
        const placing = { event, told: state, outlier, mayBeRedacted, history };
        const result = await outcome(place(room, placing, true), event);
        if ("placed" in result) placed += 1;
      }
      return placed;
    },
  };
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
