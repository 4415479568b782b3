/** Whether the states around an event are what its prev events make them. */
import { isPlaced } from "../place.ts";
import { resolveRoots } from "../resolve-state.ts";
import type { RoomStore } from "../store.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { Room, StateRoot, StoredEvent } from "../types.ts";
import { named } from "./types.ts";

export interface StateCheck {
  /** "told": another server said it, or nothing is said of it. */
  readonly by: "prev events" | "told";
  readonly faults: readonly string[];
}

export async function checkStates(
  store: RoomStore,
  room: Room,
  stored: StoredEvent,
): Promise<StateCheck> {
  if (!isPlaced(stored)) return { by: "told", faults: [] };
  const { event } = stored;
  const faults: string[] = [];
  const after = await stateAfter(store, stored);
  if (after !== stored.stateAfter) {
    faults.push(
      `the state after it is ${named(stored.stateAfter)}, by what is before ${named(after)}`,
    );
  }
  const prev = await store.events.byIds([...event.prevEventIds]);
  const known = [...prev.values()].filter((one) => isPlaced(one) && !cameLater(one, stored));
  if (known.length < event.prevEventIds.length) return { by: "told", faults };
  const before = await resolved(
    store,
    room,
    known.map((one) => one.stateAfter),
  );
  if (before !== stored.stateBefore) {
    faults.push(
      `the state before it is ${named(stored.stateBefore)}, by its prev events ${named(before)}`,
    );
  }
  return { by: "prev events", faults };
}

/** The root that states resolve to; nothing is stored. */
export async function resolved(
  store: RoomStore,
  room: Room,
  roots: readonly StateRoot[],
): Promise<StateRoot> {
  const { base, changes } = await resolveRoots(store, room, roots);
  return (await store.tree.set(base, changes)).root;
}

async function stateAfter(store: RoomStore, stored: StoredEvent): Promise<StateRoot> {
  const { event, status, stateBefore } = stored;
  if (event.stateKey === undefined || status === "rejected") return stateBefore;
  const found = await store.tuples.make([[event.type, event.stateKey]]);
  const tuple = found.get(stateTuple(event.type, event.stateKey)) as number;
  return (await store.tree.set(stateBefore, [[tuple, stored.nid]])).root;
}

/** History that was filled in after the event had come: what was before it had been told by another server. */
function cameLater(prev: StoredEvent, stored: StoredEvent): boolean {
  if (prev.ordinal === 0) return false;
  return stored.ordinal === 0 || prev.position !== stored.position;
}
