import { authTypesFor } from "../auth/index.ts";
import type { RoomEvent } from "../events/event.ts";
import type { EventId } from "../identifiers.ts";
import type { RoomVersion } from "../room-versions.ts";
import { type StateMap, stateTuple } from "../state-map.ts";
import { AuthGraph } from "./auth-graph.ts";
import type { StateConflict } from "./conflict.ts";
import { resolveV1 } from "./resolve-v1.ts";
import { resolveV2 } from "./resolve-v2.ts";
import { separate } from "./separate.ts";

/**
 * Resolves a conflict by the algorithm of the room's version: the event for each tuple on which the
 * sets do not agree (a tuple may come out without an event). Lay it over the unconflicted state.
 * The cost depends on the conflict, not on the room.
 */
export function resolveConflict(conflict: StateConflict): Map<string, EventId> {
  return conflict.version.stateResolution === "v1" ? resolveV1(conflict) : resolveV2(conflict);
}

/**
 * The events that `StateConflict.authDifference` wants, by the room's auth graph, which holds all
 * events of the sets and their auth chains.
 *
 * @param sets the events of each set that not all sets have
 * @param unconflicted the events that all sets have
 */
export function authDifference(
  graph: AuthGraph,
  version: RoomVersion,
  sets: readonly (readonly EventId[])[],
  unconflicted: Iterable<EventId>,
): EventId[] {
  if (version.stateResolution === "v1") return [];
  const setNodes = sets.map((set) => nodesOf(graph, set));
  const found = new Set(graph.difference(setNodes, nodesOf(graph, unconflicted)));
  if (version.stateResolution === "v2.1") {
    for (const node of graph.between(setNodes.flat())) found.add(node);
  }
  return [...found].map((node) => graph.eventId(node));
}

function nodesOf(graph: AuthGraph, ids: Iterable<EventId>): number[] {
  const nodes: number[] = [];
  for (const id of ids) {
    const node = graph.node(id);
    if (node !== undefined) nodes.push(node);
  }
  return nodes;
}

/**
 * The state tuples that resolving may read beside those of the conflict: fetch what holds there.
 */
export function tuplesRead(events: Iterable<RoomEvent>, version: RoomVersion): Set<string> {
  const tuples = new Set([stateTuple("m.room.create", ""), stateTuple("m.room.power_levels", "")]);
  for (const event of events) {
    for (const pair of authTypesFor(event, version)) tuples.add(stateTuple(...pair));
  }
  return tuples;
}

/**
 * The resolution of whole state sets.
 *
 * @param events answers for all events of the sets and their auth chains
 * @param isRejected whether an event was rejected on receipt; none when absent
 */
export function resolveStateMaps(
  version: RoomVersion,
  stateSets: readonly StateMap[],
  events: (eventId: EventId) => RoomEvent | undefined,
  isRejected?: (eventId: EventId) => boolean,
): StateMap {
  const { unconflicted, conflicted } = separate(stateSets, version);
  if (conflicted.size === 0) return unconflicted;
  const graph = new AuthGraph();
  for (const set of stateSets) graph.grow(set.values(), (id) => events(id)?.authEventIds);
  const sets = stateSets.map((set) =>
    [...conflicted.keys()].map((tuple) => set.get(tuple)).filter((id) => id !== undefined),
  );
  const resolved = resolveConflict({
    version,
    conflicted,
    unconflicted: (tuple) => unconflicted.get(tuple),
    authDifference: authDifference(graph, version, sets, unconflicted.values()),
    events,
    isRejected,
  });
  return new Map([...unconflicted, ...resolved]);
}
