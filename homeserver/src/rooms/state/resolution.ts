/**
 * State resolution on state trees: parts that the trees share are not looked at. (Room versions,
 * "State resolution"; the algorithms are in protocol/state-res.)
 */
import { compareCodePoints } from "../../protocol/json/canonical-json.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { splitTuple, stateTuple } from "../../protocol/state-map.ts";
import { authDifference, separate, tuplesRead } from "../../protocol/state-res/index.ts";
import type { Separated } from "../../protocol/state-res/index.ts";
import { graphId, nidOfGraphId } from "../records/auth-chains.ts";
import { resolveInLine } from "./resolver.ts";
import type { Change } from "./tree/index.ts";
import type { Resolution } from "./resolution-cache.ts";
import type { RoomReader } from "./room-reader.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

/** What the roots do not agree on, keyed by stateTuple: each root's event nid, if it has one. */
interface Conflict {
  readonly base: StateRoot;
  readonly tuples: ReadonlyMap<string, number>;
  readonly sets: readonly ReadonlyMap<string, number>[];
}

/** The state that several states resolve to. No changes when they are all one. */
export async function resolveRoots(
  store: RoomReader,
  room: Room,
  roots: readonly StateRoot[],
): Promise<Resolution> {
  const distinct = [...new Set(roots)].toSorted(compareRoots);
  const base = distinct[0] ?? null;
  if (distinct.length < 2) return { base, changes: [] };
  return store.resolutions.of(room.nid, distinct, () => resolveDistinct(store, room, distinct));
}

/** A fixed order, because the cache key is built from it. No state comes last. */
function compareRoots(a: StateRoot, b: StateRoot): number {
  return compareCodePoints(a ?? "~", b ?? "~");
}

async function resolveDistinct(
  store: RoomReader,
  room: Room,
  distinct: readonly StateRoot[],
): Promise<Resolution> {
  const base = distinct[0] ?? null;
  const conflict = await compare(store, base, distinct.slice(1));
  const events = await store.events.byNids(conflict.sets.flatMap((set) => [...set.values()]));
  const nidOf = new Map<EventId, number>();
  for (const { nid, event } of events.values()) nidOf.set(event.eventId, nid);
  const idOf = (nid: number) => events.get(nid)?.event.eventId;

  const stateSets = conflict.sets.map((set) => {
    const pairs = [...set].flatMap(([tuple, nid]): [string, EventId][] => {
      const id = idOf(nid);
      return id === undefined ? [] : [[tuple, id]];
    });
    return new Map(pairs);
  });
  const { unconflicted, conflicted } = separate(stateSets, room.version);
  const resolved = new Map(unconflicted);
  if (conflicted.size > 0) {
    const won = await resolveOf(store, room, conflict, { unconflicted, conflicted }, nidOf);
    for (const [tuple, id] of won) resolved.set(tuple, id);
  }
  return { base, changes: await changesOf(store, conflict, resolved, nidOf) };
}

async function compare(
  store: RoomReader,
  base: StateRoot,
  others: readonly StateRoot[],
): Promise<Conflict> {
  const differences = await Promise.all(others.map((root) => store.tree.diff(base, root)));
  const atBase = new Map<number, number | undefined>();
  for (const difference of differences) {
    for (const [tuple, [before]] of difference) atBase.set(tuple, before);
  }
  const keys = await store.tuples.keys([...atBase.keys()]);
  const tuples = new Map<string, number>();
  const sets = [new Map<string, number>(), ...others.map(() => new Map<string, number>())];
  for (const [tuple, before] of atBase) {
    const key = keys.get(tuple);
    if (key === undefined) continue;
    const text = stateTuple(key[0], key[1]);
    tuples.set(text, tuple);
    if (before !== undefined) sets[0]?.set(text, before);
    for (const [i, difference] of differences.entries()) {
      const changed = difference.get(tuple);
      const now = changed === undefined ? before : changed[1];
      if (now !== undefined) sets[i + 1]?.set(text, now);
    }
  }
  return { base, tuples, sets };
}

async function resolveOf(
  store: RoomReader,
  room: Room,
  conflict: Conflict,
  { unconflicted, conflicted }: Separated,
  nidOf: Map<EventId, number>,
): Promise<ReadonlyMap<string, EventId>> {
  const { version } = room;
  const inConflict = conflict.sets.map((set) => {
    return [...conflicted.keys()].flatMap((tuple) => set.get(tuple) ?? []);
  });
  const nids = [...new Set(inConflict.flat())];
  const difference =
    version.stateResolution === "v1" ? [] : await differenceOf(store, room, conflict, inConflict);
  // In version 1 keys that only some states have are not in conflict, and count when the others are
  // judged.
  const settled = [...unconflicted.values()].flatMap((id) => nidOf.get(id) ?? []);
  const chain = await store.authChains.chain(room.nid, [...nids, ...difference, ...settled]);
  const events = await store.events.byNids(chain);
  const full = [...nids, ...difference].flatMap((nid) => events.get(nid) ?? []);
  const agreed = await agreedState(store, version, conflict, full);
  const levels = agreed.get(stateTuple("m.room.power_levels", ""));
  const more = levels === undefined ? [] : await store.authChains.chain(room.nid, [levels.nid]);
  const known = new Map<EventId, StoredEvent>();
  const all = [
    ...events.values(),
    ...agreed.values(),
    ...(await store.events.byNids(more)).values(),
  ];
  for (const stored of all) {
    known.set(stored.event.eventId, stored);
    nidOf.set(stored.event.eventId, stored.nid);
  }
  const agreedIds = [...agreed].map(([tuple, { event }]) => [tuple, event.eventId] as const);
  const resolvable = {
    version,
    conflicted,
    unconflicted: new Map([...agreedIds, ...unconflicted]),
    authDifference: difference.flatMap((nid) => events.get(nid)?.event.eventId ?? []),
    events: known,
  };
  return store.resolver?.resolve(resolvable) ?? resolveInLine(resolvable);
}

/**
 * The auth difference (and conflicted subgraph) as nids. The agreed state is read only where it
 * matters.
 */
async function differenceOf(
  store: RoomReader,
  room: Room,
  conflict: Conflict,
  inConflict: readonly (readonly number[])[],
): Promise<number[]> {
  const graph = await store.authChains.graph(room.nid, inConflict.flat());
  const sets = inConflict.map((set) => set.map(graphId));
  const nodes = inConflict.map((set) => set.flatMap((nid) => graph.node(graphId(nid)) ?? []));
  const own = new Set(inConflict.flat());
  /** Nids in the chains of some sets only, given those known to be in all. */
  const doubtful = (everywhere: readonly number[]): number[] => {
    const common = everywhere.flatMap((nid) => graph.node(graphId(nid)) ?? []);
    const between = graph.difference(nodes, common);
    return between.map((node) => nidOfGraphId(graph.eventId(node))).filter((nid) => !own.has(nid));
  };
  let everywhere = await agreedAmong(store, conflict, doubtful([]));
  const left = doubtful(everywhere);
  if (left.length > 0) {
    const since = await agreedSince(store, conflict.base, left);
    everywhere = [...everywhere, ...since.filter((nid) => !own.has(nid))];
    await store.authChains.graph(room.nid, everywhere);
  }
  return authDifference(graph, room.version, sets, everywhere.map(graphId)).map(nidOfGraphId);
}

/**
 * Those of the events that all states contain, such as the join rules that a name change on one
 * branch refers to.
 */
async function agreedAmong(
  store: RoomReader,
  { base, tuples }: Conflict,
  nids: readonly number[],
): Promise<number[]> {
  const events = [...(await store.events.byNids(nids)).values()].filter(
    ({ event: { type, stateKey } }) =>
      stateKey !== undefined && !tuples.has(stateTuple(type, stateKey)),
  );
  const keyOf = ({ event }: StoredEvent) => [event.type, event.stateKey as string] as const;
  const known = await store.tuples.find(events.map(keyOf));
  const held = await store.tree.getMany(base, [...known.values()]);
  return events
    .filter((stored) => held.get(known.get(stateTuple(...keyOf(stored))) ?? -1) === stored.nid)
    .map(({ nid }) => nid);
}

/**
 * Events of the agreed state that may have one of these in their auth chains: those newer than it.
 * For outliers the age is unknown, so that is the whole state.
 */
async function agreedSince(
  store: RoomReader,
  base: StateRoot,
  nids: readonly number[],
): Promise<number[]> {
  const events = await store.events.byNids(nids);
  const roots = new Set<StateRoot>();
  for (const nid of nids) roots.add(events.get(nid)?.stateBefore ?? null);
  if (roots.has(null)) return (await store.tree.entries(base)).map(([, nid]) => nid);
  const found = new Set<number>();
  for (const root of roots) {
    for (const [, [, now]] of await store.tree.diff(root, base)) {
      if (now !== undefined) found.add(now);
    }
  }
  return [...found];
}

/** The part of the agreed state that resolving reads. */
async function agreedState(
  store: RoomReader,
  version: RoomVersion,
  conflict: Conflict,
  events: readonly StoredEvent[],
): Promise<Map<string, StoredEvent>> {
  const wanted = tuplesRead(
    events.map((stored) => stored.event),
    version,
  );
  for (const { event } of events) {
    if (event.stateKey !== undefined) wanted.add(stateTuple(event.type, event.stateKey));
  }
  const keys = [...wanted].filter((tuple) => !conflict.tuples.has(tuple)).map(splitTuple);
  return store.state.events(conflict.base, keys);
}

async function changesOf(
  store: RoomReader,
  conflict: Conflict,
  resolved: ReadonlyMap<string, EventId>,
  nidOf: ReadonlyMap<EventId, number>,
): Promise<Change[]> {
  const changes: Change[] = [];
  const atBase = conflict.sets[0];
  for (const [text, tuple] of conflict.tuples) {
    const id = resolved.get(text);
    const nid = id === undefined ? undefined : nidOf.get(id);
    if (nid !== atBase?.get(text)) changes.push([tuple, nid ?? null]);
  }
  // Resolving may bring in events of the auth difference that none of the states contained.
  const extra = [...resolved].filter(([text]) => !conflict.tuples.has(text));
  const made = await store.tuples.make(extra.map(([text]) => splitTuple(text)));
  for (const [text, id] of extra) {
    const tuple = made.get(text);
    const nid = nidOf.get(id);
    if (tuple !== undefined && nid !== undefined) changes.push([tuple, nid]);
  }
  return changes;
}
