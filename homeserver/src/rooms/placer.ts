/** Places verified events of one room on its mailbox, one after another, and judges those again that depended on them. */
import { DuplicateEvent, Unstorable } from "../log/types.ts";
import type { Logger } from "../platform/logger.ts";
import type { RoomEvent } from "../protocol/event.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { redactionsOf, rejectedByAuth } from "../storage/room-events.ts";
import { awaitedEvents } from "../storage/room-gaps.ts";
import { lowestOrdinal } from "../storage/room-timeline.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Crowded } from "./merge-extremities.ts";
import type { Outliers } from "./outliers.ts";
import { isPlaced, knownAlready, placeEvent } from "./place.ts";
import type { Placed, Placing } from "./place.ts";
import { LacksPolicySignature, recommended } from "./policy.ts";
import type { Refusals } from "./refusals.ts";
import { forgetResolutions } from "./resolve-state.ts";
import type { RoomStore } from "./store.ts";
import type { RemoteServer } from "./types-federation.ts";
import type { Room, StoredEvent } from "./types.ts";
import { Work } from "./work.ts";
import type { Identity } from "./drafting.ts";

export interface PlacerDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly identity: Identity;
  readonly outliers: Outliers;
  readonly crowded: Crowded;
  readonly refusals: Refusals;
  readonly remote: Pick<RemoteServer, "signByPolicy">;
  readonly logger: Logger;
}

/** What became of an event: placed, or why not. `isFinal`: it can't be placed, whatever comes. */
export type Ingested =
  | { readonly placed: Placed }
  | { readonly error: string; readonly isFinal: boolean };

export type Ingestion = Map<EventId, Ingested>;

export interface PlaceOptions {
  /** Who sent the events. */
  readonly origin: ServerName | undefined;
  /** This server sends the events on to the others in the room. */
  readonly forward?: boolean | undefined;
}

export interface Hints {
  readonly outlier: StoredEvent | undefined;
  readonly mayBeRedacted: boolean;
  readonly awaitedAt: number | undefined;
}

export interface Placer {
  hintsFor(room: Room, events: readonly RoomEvent[]): Promise<(event: RoomEvent) => Hints>;
  /**
   * Places events in this order; never throws for a single one. `stateOf` gives what others say of the state before
   * an event, where that is needed.
   */
  sorted(
    room: Room,
    events: readonly RoomEvent[],
    options: PlaceOptions,
    stateOf?: (event: RoomEvent) => Promise<Placing["told"]>,
  ): Promise<Ingestion>;
  /** Places one event and notes what became of it. `awaited`: a gap is closed by it. */
  outcome(
    room: Room,
    placing: Placing,
    options: PlaceOptions & { readonly awaited: boolean },
  ): Promise<Ingested>;
  /** Places one event of which nothing is missing; throws when something is. */
  one(room: Room, event: RoomEvent): Promise<Placed>;
  /** Judges rejected events again, and what was rejected because of them. */
  again(room: Room, rejected: readonly StoredEvent[]): Promise<void>;
}

/** A stranger's chain of rejected events is judged again so far, at most. */
const MAX_REJUDGED = 500;

export function createPlacer(deps: PlacerDeps): Placer {
  const { store, mailboxes, identity, outliers, refusals, logger } = deps;

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

  async function put(room: Room, placing: Placing, awaited: boolean): Promise<Placed> {
    try {
      return await mailboxes.run(room, async (head) => {
        const work = new Work(store, identity, head);
        try {
          const { isPartial } = head;
          const placed = await placeEvent(store, work, { ...placing, isPartial });
          if (placed === undefined) throw new Incomplete("prev or auth events are missing");
          if (work.added.length === 0) {
            work.abandon();
            return { value: placed };
          }
          await deps.crowded(room, work.extremities.length);
          const isEnd = work.extremities.some(({ nid }) => nid === placed.stored.nid);
          const closes = awaited || (placed.stored.status === "accepted" && !isEnd);
          return work.step(placed, { append: gapRows(room, placed, closes) });
        } catch (error) {
          work.abandon();
          throw error;
        }
      });
    } catch (error) {
      if (error instanceof LacksPolicySignature) {
        const asked = await recommended(deps.remote, error.policy, placing.event);
        const event = "event" in asked ? asked.event : placing.event;
        const notRecommended = "reason" in asked ? asked.reason : error.message;
        return put(room, { ...placing, event, notRecommended }, awaited);
      }
      if (!(error instanceof DuplicateEvent)) throw error;
      const stored = await store.events.byId(placing.event.eventId);
      if (stored === undefined) throw error;
      return knownAlready(stored);
    }
  }

  /** What awaits the event gets it in front of itself; otherwise it's news. */
  async function historyOf(room: Room, { awaitedAt }: Hints): Promise<Placing["history"]> {
    if (awaitedAt === undefined) return undefined;
    const ordinal = (await lowestOrdinal(store.sql, room.nid, awaitedAt)) - 1;
    return { position: awaitedAt, ordinal };
  }

  async function outcome(
    room: Room,
    placing: Placing,
    { origin, awaited }: PlaceOptions & { readonly awaited: boolean },
  ): Promise<Ingested> {
    const { event, outlier } = placing;
    const fields = { room: event.roomId, event: event.eventId, origin };
    try {
      const placed = await put(room, placing, awaited);
      const { status } = placed.stored;
      const { reason, clause } = placed;
      if (clause !== undefined && reason !== undefined && status !== "accepted") {
        refusals.note({ ...fields, clause, reason, outcome: status });
      }
      if (outlier?.status === "rejected" && status !== "rejected")
        await rejudge(room, placed.stored);
      return { placed };
    } catch (error) {
      const isFinal = error instanceof Unstorable;
      if (isFinal) {
        const reason = error.message;
        refusals.note({ ...fields, clause: "not storable", reason, outcome: "dropped" });
        return { error: reason, isFinal };
      }
      logger.warn({ ...fields, err: error }, "an event could not be placed");
      const known = error instanceof Incomplete;
      return { error: known ? error.message : "The event could not be placed", isFinal };
    }
  }

  /** An event was rejected and is not any more: what was rejected because of it is judged again. */
  async function rejudge(room: Room, accepted: StoredEvent): Promise<void> {
    forgetResolutions(store);
    const seen = new Set([accepted.nid]);
    const queue = [accepted.nid];
    for (let nid = queue.shift(); nid !== undefined; nid = queue.shift()) {
      const nids = (await rejectedByAuth(store.sql, nid, MAX_REJUDGED)).filter(
        (one) => !seen.has(one),
      );
      const events = await store.events.byNids(nids.slice(0, MAX_REJUDGED - seen.size));
      for (const rejected of events.values()) {
        seen.add(rejected.nid);
        if (rejected.roomNid !== room.nid || rejected.status !== "rejected") continue;
        if (await passesNow(room, rejected)) queue.push(rejected.nid);
      }
    }
  }

  async function passesNow(room: Room, rejected: StoredEvent): Promise<boolean> {
    const { event } = rejected;
    if (!isPlaced(rejected)) return outliers.rejudge(room, rejected);
    const hints = (await hintsFor(room, [event]))(event);
    const placing = { event, ...hints, history: await historyOf(room, hints), again: true };
    const { stored } = await put(room, placing, placing.history !== undefined);
    return stored.status !== "rejected";
  }

  return {
    hintsFor,
    outcome,
    async sorted(room, events, { origin, forward }, stateOf) {
      const hints = await hintsFor(room, events);
      const results = new Map<EventId, Promise<Ingested>>();
      for (const event of events) {
        // What tells the state needs the events before: those are on their way to the mailbox already.
        const told = await stateOf?.(event);
        const hint = hints(event);
        const history = await historyOf(room, hint);
        // What is ours and came from another server is there already: that one has sent it on.
        const handedOver = origin !== undefined && forward !== true;
        const placing = { event, told, history, forwarded: forward, handedOver, ...hint };
        const awaited = history !== undefined;
        results.set(event.eventId, outcome(room, placing, { origin, awaited }));
      }
      const settled: Ingestion = new Map();
      for (const [id, result] of results) settled.set(id, await result);
      return settled;
    },
    async again(room, rejected) {
      for (const stored of rejected) {
        if (stored.status === "rejected" && (await passesNow(room, stored))) {
          await rejudge(room, stored);
        }
      }
    },
    async one(room, event) {
      const hints = (await hintsFor(room, [event]))(event);
      return put(room, { event, ...hints }, false);
    },
  };
}

/** Something that the event builds on is not to be had now. */
class Incomplete extends Error {
  override name = "Incomplete";
}

/** `closes`: something may have awaited the event. */
function gapRows(room: Room, placed: Placed, closes: boolean) {
  const { stored, missing } = placed;
  const add =
    stored.status === "rejected"
      ? []
      : missing.map((eventId) => ({ roomNid: room.nid, eventId, childNid: stored.nid }));
  const remove = closes ? [{ roomNid: room.nid, eventId: stored.event.eventId }] : [];
  return add.length === 0 && remove.length === 0 ? {} : { missing: { add, remove } };
}
