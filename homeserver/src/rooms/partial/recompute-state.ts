/**
 * Recomputes the states of a room's events in graph order, starting from a join whose state became
 * known.
 */
import { authorise, authTypesFor } from "../../protocol/auth/index.ts";
import { rejectionOf } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { statedEventsSince } from "../../storage/rooms/partial-rooms.ts";
import type { Head } from "../commands/head.ts";
import { inDagOrder } from "../records/event-order.ts";
import { isInGraph } from "../records/in-graph.ts";
import { resolveRoots } from "../state/resolution.ts";
import type { Change } from "../state/tree/index.ts";
import { authStateIn } from "../state/reader.ts";
import type { RoomReader } from "../state/room-reader.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";

type SetTuples = (root: StateRoot, changes: readonly Change[]) => Promise<StateRoot>;

export interface RecomputedState {
  /** Builds the trees; the caller stores their nodes. */
  readonly set: SetTuples;
  /** The join and all events after it, with their new states. */
  readonly events: readonly StoredEvent[];
  /** nid → why the event is not accepted any more. */
  readonly reasons: ReadonlyMap<number, string>;
  readonly rejected: ReadonlySet<EventId>;
  readonly extremities: readonly StoredEvent[];
}

const CHUNK = 500;

export async function recomputeSince(
  set: SetTuples,
  head: Head,
  join: StoredEvent,
): Promise<RecomputedState> {
  const { store } = head;
  const known = new Map<EventId, StoredEvent>([[join.event.eventId, join]]);
  const reasons = new Map<number, string>();
  const completedRoots = new Map<StateRoot, StateRoot>([[join.roomState, join.stateAfter]]);

  /** A current state of the partial room, completed with the missing members. */
  async function completed(root: StateRoot): Promise<StateRoot> {
    if (root === null) return null;
    const done = completedRoots.get(root);
    if (done !== undefined) return done;
    const difference = await store.tree.diff(join.roomState, root);
    const changes = [...difference].map(([tuple, [, now]]): Change => [tuple, now ?? null]);
    const made = await set(join.stateAfter, changes);
    completedRoots.set(root, made);
    return made;
  }

  async function recompute(stored: StoredEvent): Promise<StoredEvent | undefined> {
    const { event } = stored;
    const prev = await store.events.byIds([...event.prevEventIds]);
    const placed = [...prev.values()].filter(isInGraph);
    // The state before it came from another server and is complete already.
    if (placed.length < event.prevEventIds.length) return undefined;
    const roots = placed.map((one) => (known.get(one.event.eventId) ?? one).stateAfter);
    const { base, changes } = await resolveRoots(store, head.room, roots);
    const before = await set(base, changes);
    let { status } = stored;
    if (status === "accepted") {
      const reason = await rejectionByState(store, event, before);
      if (reason !== undefined) {
        status = "rejected";
        reasons.set(stored.nid, reason);
      }
    }
    const { type, stateKey } = event;
    let after = before;
    if (stateKey !== undefined && status !== "rejected") {
      const [tuple] = await store.tuples.ensure([[type, stateKey]]);
      after = await set(before, [[tuple as number, stored.nid]]);
    }
    const roomState = await completed(stored.roomState);
    return { ...stored, status, stateBefore: before, stateAfter: after, roomState };
  }

  const rows = await statedEventsSince(store.sql, head.room.nid, join.position ?? 0);
  const nids = rows.map((row) => row.nid).filter((nid) => nid !== join.nid);
  const later = new Map<EventId, StoredEvent>();
  for (let at = 0; at < nids.length; at += CHUNK) {
    const found = await store.events.byNids(nids.slice(at, at + CHUNK));
    for (const stored of found.values()) later.set(stored.event.eventId, stored);
  }
  for (const { eventId } of inDagOrder([...later.values()].map(({ event }) => event))) {
    const stored = await recompute(later.get(eventId) as StoredEvent);
    if (stored !== undefined) known.set(eventId, stored);
  }
  const whereItStands = { ...join, roomState: await completed(join.roomState) };
  known.set(join.event.eventId, whereItStands);
  const rejected = new Set<EventId>();
  for (const { nid, event } of known.values()) if (reasons.has(nid)) rejected.add(event.eventId);
  const extremities = extremitiesOf(head, known, rejected);
  return { set, events: [...known.values()], reasons, rejected, extremities };
}

/**
 * The head's extremities with their new states; rejected ones are replaced by what they were built
 * on.
 */
function extremitiesOf(
  head: Head,
  known: ReadonlyMap<EventId, StoredEvent>,
  rejected: ReadonlySet<EventId>,
): readonly StoredEvent[] {
  const followed = new Set<EventId>();
  for (const { event, status } of known.values()) {
    if (status === "accepted") for (const id of event.prevEventIds) followed.add(id);
  }
  const extremities = new Map<EventId, StoredEvent>();
  const queue = [...head.extremities];
  for (const one of queue) {
    const { eventId } = one.event;
    const stored = known.get(eventId) ?? one;
    if (!rejected.has(eventId)) {
      extremities.set(eventId, stored);
      continue;
    }
    for (const id of one.event.prevEventIds) {
      const prev = known.get(id);
      if (prev !== undefined && !followed.has(id)) queue.push(prev);
    }
  }
  return [...extremities.values()];
}

/** Step 5 of the checks on receipt, by a state that was unknown at that time. */
async function rejectionByState(
  store: RoomReader,
  event: RoomEvent,
  before: StateRoot,
): Promise<string | undefined> {
  const keys = [...authTypesFor(event, event.version), ["m.room.create", ""] as const];
  const state = await store.state.events(before, keys);
  return rejectionOf(() => authorise(event, authStateIn(state)));
}
