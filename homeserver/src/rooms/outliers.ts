/** Events that are kept for their part in auth chains and states, without a place in the timeline. */
import { DuplicateEvent } from "../log/types.ts";
import type { Log } from "../log/types.ts";
import { createTurns } from "../platform/turns.ts";
import { authorise, authStateOf, checkAuthEvents } from "../protocol/auth/index.ts";
import { rejectionOf } from "../protocol/errors.ts";
import type { RoomEvent } from "../protocol/event.ts";
import { createEventIdOf } from "../protocol/identifiers.ts";
import type { EventId } from "../protocol/identifiers.ts";
import { newEvent } from "./new-event.ts";
import { appendOf } from "./rows.ts";
import type { AddedEvent } from "./rows.ts";
import type { RoomStore } from "./store.ts";
import type { Room, StoredEvent } from "./types.ts";

export interface Outliers {
  /**
   * Stores verified events that aren't known yet, each authorised by its auth events (step 4 of the checks; refused
   * ones are kept as rejected). Events whose auth events are neither known nor among them are left out, and answered.
   * They stay in memory, since they are likely to be read soon; member events only with `keepMembers` (true).
   */
  store(
    room: Room,
    events: readonly RoomEvent[],
    options?: { readonly keepMembers?: boolean },
  ): Promise<RoomEvent[]>;
  /** Judges a rejected outlier again: true when its auth events allow it now. */
  rejudge(room: Room, outlier: StoredEvent): Promise<boolean>;
}

const CHUNK = 500;
/** So long events are judged before others get a turn. */
const BURST_MS = 2;

export function createOutliers(store: RoomStore, log: Log): Outliers {
  function place(
    room: Room,
    event: RoomEvent,
    nid: number,
    known: Map<EventId, StoredEvent>,
  ): AddedEvent {
    const auth = event.authEventIds.flatMap((id) => known.get(id) ?? []);
    const state = authIdsOf(event).flatMap((id) => known.get(id) ?? []);
    const reason = refusal(event, auth, state);
    const status = reason === undefined ? "accepted" : "rejected";
    const stored = newEvent(room.nid, nid, event, { status });
    known.set(event.eventId, stored);
    const authNids = auth.map((one) => one.nid);
    store.authChains.add(nid, authNids);
    return { stored, authNids, timeline: "outlier", stateChanged: false, reason };
  }

  async function append(
    room: Room,
    added: readonly AddedEvent[],
    keepMembers = true,
  ): Promise<void> {
    const rows = appendOf({
      room,
      before: { room, version: 0, extremities: [], stateRoot: null, depth: 0, state: new Map() },
      after: undefined,
      added,
      nodes: [],
      changes: [],
      redactions: [],
      transaction: undefined,
    });
    await log.append(rows);
    for (const { stored } of added) {
      if (keepMembers || stored.event.type !== "m.room.member") store.events.keep(stored);
    }
  }

  async function attempt(
    room: Room,
    events: readonly RoomEvent[],
    keepMembers: boolean,
  ): Promise<RoomEvent[]> {
    const ids = new Set<EventId>();
    for (const event of events) for (const id of [event.eventId, ...authIdsOf(event)]) ids.add(id);
    const known = await store.events.byIds([...ids]);
    const fresh = inAuthOrder(events).filter(({ eventId }) => !known.has(eventId));
    const { complete, lacking } = byAuthEvents(fresh, known);
    const nids = await store.registry.eventNids(complete.length);
    let chunk: AddedEvent[] = [];
    const turns = createTurns(BURST_MS);
    for (const [i, event] of complete.entries()) {
      await turns.take();
      chunk.push(place(room, event, nids[i] as number, known));
      if (chunk.length < CHUNK) continue;
      await append(room, chunk, keepMembers);
      chunk = [];
    }
    if (chunk.length > 0) await append(room, chunk, keepMembers);
    return lacking;
  }

  return {
    async store(room, events, { keepMembers = true } = {}) {
      for (let attempts = 0; ; attempts++) {
        try {
          return await attempt(room, events, keepMembers);
        } catch (error) {
          // Another task stored one of them meanwhile: it's known the next time.
          if (!(error instanceof DuplicateEvent) || attempts >= 10) throw error;
        }
      }
    },
    async rejudge(room, outlier) {
      const { event, nid } = outlier;
      const ids = authIdsOf(event);
      const known = await store.events.byIds(ids);
      const auth = event.authEventIds.flatMap((id) => known.get(id) ?? []);
      if (auth.length < event.authEventIds.length) return false;
      if (refusal(event, auth, [...known.values()]) !== undefined) return false;
      const stored: StoredEvent = { ...outlier, status: "accepted" };
      const authNids = auth.map((one) => one.nid);
      store.authChains.add(nid, authNids);
      await append(room, [
        { stored, authNids, timeline: "outlier", stateChanged: false, known: true },
      ]);
      return true;
    },
  };
}

/**
 * Step 4: by the auth events. The reason, or undefined when the event passes. `state` is what these make up; from
 * version 12 with the create event, which has to be an accepted one (rule 2).
 */
export function refusal(
  event: RoomEvent,
  authEvents: readonly StoredEvent[],
  state: readonly StoredEvent[],
): string | undefined {
  const rejected = new Set<string>();
  for (const stored of authEvents) {
    if (stored.status === "rejected") rejected.add(stored.event.eventId);
  }
  const accepted = state.filter(({ status }) => status !== "rejected");
  return rejectionOf(() => {
    checkAuthEvents(
      event,
      authEvents.map((stored) => stored.event),
      (id) => rejected.has(id),
    );
    authorise(event, authStateOf(accepted.map((stored) => stored.event)));
  });
}

/** Auth events before those that name them, the create event first. */
export function inAuthOrder(events: readonly RoomEvent[]): RoomEvent[] {
  return sortedBy(events, authIdsOf);
}

/** Those whose auth events are known, or among them in front; and those of which some are not. In auth order. */
function byAuthEvents(
  events: readonly RoomEvent[],
  known: ReadonlyMap<EventId, StoredEvent>,
): { complete: RoomEvent[]; lacking: RoomEvent[] } {
  const complete: RoomEvent[] = [];
  const lacking: RoomEvent[] = [];
  const placed = new Set<EventId>();
  for (const event of events) {
    if (authIdsOf(event).every((id) => known.has(id) || placed.has(id))) {
      complete.push(event);
      placed.add(event.eventId);
    } else lacking.push(event);
  }
  return { complete, lacking };
}

/** What authorises an event: from version 12 the create event does so without being named. */
function authIdsOf(event: RoomEvent): readonly EventId[] {
  if (!event.version.roomIdIsCreateHash || event.type === "m.room.create")
    return event.authEventIds;
  return [createEventIdOf(event.roomId), ...event.authEventIds];
}

/** Prev events before those that name them. */
export function inDagOrder(events: readonly RoomEvent[]): RoomEvent[] {
  const byDepth = events.toSorted((a, b) => a.depth - b.depth);
  return sortedBy(byDepth, (event) => event.prevEventIds);
}

function sortedBy(
  events: readonly RoomEvent[],
  before: (event: RoomEvent) => readonly EventId[],
): RoomEvent[] {
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const done = new Set<EventId>();
  const sorted: RoomEvent[] = [];
  for (const root of events) {
    const path: { event: RoomEvent; next: number }[] = [];
    const enter = (event: RoomEvent | undefined): void => {
      if (event === undefined || done.has(event.eventId)) return;
      done.add(event.eventId);
      path.push({ event, next: 0 });
    };
    enter(byId.get(root.eventId));
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const id = before(top.event)[top.next++];
      if (id !== undefined) enter(byId.get(id));
      else sorted.push(path.pop()!.event);
    }
  }
  return sorted;
}
