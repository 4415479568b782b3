/** Checks that the states around an event follow from its prev events. */
import { hasKnownState, isInGraph } from "../records/in-graph.ts";
import { resolveRoots } from "../state/resolution.ts";
import type { StateNode } from "../state/tree/index.ts";
import type { RoomStore } from "../state/store.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";
import { named } from "./types.ts";
import { verdictOf } from "./verdict.ts";

export interface StateCheck {
  /**
   * "another server": what it builds on is not all here (any more), so that another server said it;
   * or nothing is said of it.
   */
  readonly by: "prev events" | "another server";
  readonly faults: readonly string[];
}

export async function checkStates(
  store: RoomStore,
  room: Room,
  stored: StoredEvent,
  isPartial: boolean,
): Promise<StateCheck> {
  const { event } = stored;
  const faults: string[] = [];
  const isHere = isInGraph(stored);
  if (!isPartial) faults.push(...(await verdictFaults(store, stored, isHere)));
  if (!isHere) return { by: "another server", faults };
  const after = await stateAfter(store, stored);
  if (after !== stored.stateAfter) {
    faults.push(
      `the state after it is ${named(stored.stateAfter)}, by what is before ${named(after)}`,
    );
  }
  const prev = await store.events.byIds([...event.prevEventIds]);
  const known = [...prev.values()].filter((one) => hasKnownState(one, event.roomId));
  // What is missing now was missing then: only other servers could tell the state before the event.
  if (known.length < new Set(event.prevEventIds).size) {
    if (!(await holdsCreate(store, stored))) faults.push("the state before it has no create event");
    return { by: "another server", faults };
  }
  if (isPartial) return { by: "another server", faults };
  const before = await stateBefore(store, room, known);
  if (before !== stored.stateBefore) {
    faults.push(
      `the state before it is ${named(stored.stateBefore)}, by its prev events ${named(before)}`,
    );
  }
  return { by: "prev events", faults };
}

async function stateBefore(
  store: RoomStore,
  room: Room,
  prev: readonly StoredEvent[],
): Promise<StateRoot> {
  const made: StateNode[] = [];
  const roots: StateRoot[] = [];
  for (const one of prev) {
    const after = isInGraph(one)
      ? { root: one.stateAfter, nodes: [] }
      : await makeAfter(store, one);
    roots.push(after.root);
    made.push(...after.nodes);
  }
  store.tree.hold(made);
  try {
    return await resolved(store, room, roots);
  } finally {
    store.tree.release(made);
  }
}

/** Whether the rules give the same verdict as on receipt. */
async function verdictFaults(
  store: RoomStore,
  { event, status, stateBefore, redactedBy }: StoredEvent,
  isHere: boolean,
): Promise<string[]> {
  if (redactedBy !== null) return [];
  const verdict = await verdictOf(store, event, isHere ? stateBefore : undefined);
  if (verdict === undefined) return [];
  const { reason } = verdict;
  if (status === "rejected") {
    // An event outside the graph may have been rejected by a state from another server.
    return reason === undefined && isHere ? ["it is rejected, and the rules allow it"] : [];
  }
  return reason === undefined ? [] : [`it is ${status}, and the rules forbid it (${reason})`];
}

async function holdsCreate(
  store: RoomStore,
  { event, stateBefore }: StoredEvent,
): Promise<boolean> {
  if (event.type === "m.room.create") return true;
  return (await store.state.events(stateBefore, [["m.room.create", ""]])).size > 0;
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
  return (await makeAfter(store, stored)).root;
}

/** With the nodes that it needs, which are not stored. */
async function makeAfter(
  store: RoomStore,
  { nid, event: { type, stateKey = "" }, stateBefore }: StoredEvent,
): Promise<{ root: StateRoot; nodes: readonly StateNode[] }> {
  const found = await store.tuples.make([[type, stateKey]]);
  const tuple = found.get(stateTuple(type, stateKey)) as number;
  return store.tree.set(stateBefore, [[tuple, nid]]);
}
