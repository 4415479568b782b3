/** Reads a room's state at a root, as events. */
import { LRUCache, atMost } from "../../platform/caches.ts";
import type { EventReader } from "../records/events.ts";
import { createStateSkeletons } from "./skeletons.ts";
import type { Entry, StateTree } from "./tree/index.ts";
import type { AuthState } from "../../protocol/auth/index.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { StateKey, Tuples } from "./tuples.ts";
import type { StateRoot, StateSelector, StoredEvent } from "../api/index.ts";

export interface StateReader {
  /** Keyed by stateTuple; keys without an event are absent. */
  events(root: StateRoot, keys: readonly StateKey[]): Promise<Map<string, StoredEvent>>;
  /** The same as a list, from memory only; undefined when something is not cached. */
  peek(root: StateRoot, keys: readonly StateKey[]): StoredEvent[] | undefined;
  all(root: StateRoot, selector?: StateSelector): Promise<StoredEvent[]>;
  delta(
    before: StateRoot,
    after: StateRoot,
  ): Promise<{ changed: StoredEvent[]; removed: [type: string, stateKey: string][] }>;
  /** The same with other events: those that a command sees, pending ones included. */
  over(events: EventReader): StateReader;
}

const ROOTS_KEPT = 5_000;
const KEYS_OF_ROOT = 200;

export function createStateReader(
  tree: StateTree,
  tuples: Tuples,
  events: EventReader,
): StateReader {
  const skeletons = createStateSkeletons(tree, tuples);
  // The content of a root never changes, and the same few keys of the same roots are read again and
  // again.
  const kept = new LRUCache<string, Map<string, number | null>>(atMost(ROOTS_KEPT));

  function keptOf(root: string): Map<string, number | null> {
    let known = kept.get(root);
    // A full map is replaced, not emptied: a reader that waits for the tree still uses the old one.
    if (known === undefined || known.size > KEYS_OF_ROOT) kept.set(root, (known = new Map()));
    return known;
  }

  /** Adds the tree's entries for the keys to `nids`; null: none. */
  async function look(
    root: string,
    keys: readonly StateKey[],
    nids: Map<string, number | null>,
  ): Promise<void> {
    const found = await tuples.find(keys);
    const held = await tree.getMany(root, [...found.values()]);
    for (const [type, stateKey] of keys) {
      const text = stateTuple(type, stateKey);
      nids.set(text, held.get(found.get(text) ?? -1) ?? null);
    }
  }

  const reader = (events: EventReader): StateReader => ({
    async events(root, keys) {
      const result = new Map<string, StoredEvent>();
      if (root === null || keys.length === 0) return result;
      const nids = keptOf(root);
      const unknown = keys.filter(([type, stateKey]) => !nids.has(stateTuple(type, stateKey)));
      if (unknown.length > 0) await look(root, unknown, nids);
      const wanted = keys.map(([type, stateKey]) => nids.get(stateTuple(type, stateKey)) ?? 0);
      const found = await events.byNids(wanted.filter((nid) => nid !== 0));
      keys.forEach(([type, stateKey], index) => {
        const event = found.get(wanted[index]!);
        if (event !== undefined) result.set(stateTuple(type, stateKey), event);
      });
      return result;
    },
    peek(root, keys) {
      const known = root === null ? undefined : kept.get(root);
      const nids = keys.map(([type, stateKey]) => known?.get(stateTuple(type, stateKey)));
      if (nids.includes(undefined)) return undefined;
      return events.peek(nids.filter((nid) => nid !== null && nid !== undefined));
    },
    async all(root, selector) {
      if (root === null) return [];
      const wanted =
        selector === undefined ? await tree.entries(root) : await select(root, selector);
      const found = await events.byNids(wanted.map(([, event]) => event));
      return wanted.flatMap(([, nid]) => found.get(nid) ?? []);
    },
    async delta(before, after) {
      const difference = await tree.diff(before, after);
      const changedNids: number[] = [];
      const removedTuples: number[] = [];
      for (const [tuple, [, now]] of difference) {
        if (now === undefined) removedTuples.push(tuple);
        else changedNids.push(now);
      }
      const found = await events.byNids(changedNids);
      const keys = await tuples.keys(removedTuples);
      return {
        changed: changedNids.flatMap((nid) => found.get(nid) ?? []),
        removed: removedTuples.flatMap((tuple) => {
          const key = keys.get(tuple);
          return key === undefined ? [] : [[key[0], key[1]] as [string, string]];
        }),
      };
    },
    over: reader,
  });
  return reader(events);

  async function select(
    root: string,
    { types, members }: StateSelector,
  ): Promise<readonly Entry[]> {
    if (members === undefined && (types === undefined || types.includes("m.room.member"))) {
      return ofTypes(await tree.entries(root), types);
    }
    const others = await ofTypes([...(await skeletons.others(root))], types);
    if (members === undefined || types?.includes("m.room.member") === false) return others;
    const found = await tuples.find(members.map((userId) => ["m.room.member", userId] as const));
    return [...others, ...(await tree.getMany(root, [...found.values()]))];
  }

  async function ofTypes(
    entries: readonly Entry[],
    types: readonly string[] | undefined,
  ): Promise<readonly Entry[]> {
    if (types === undefined) return entries;
    const wanted = new Set(types);
    const keys = await tuples.keys(entries.map(([tuple]) => tuple));
    return entries.filter(([tuple]) => wanted.has(keys.get(tuple)?.[0] ?? ""));
  }
}

/** The result of `events` in the form that the authorisation rules read. */
export function authStateIn(state: ReadonlyMap<string, StoredEvent>): AuthState {
  return { get: (type, stateKey) => stateEventIn(state, type, stateKey)?.event };
}

/** Looks one key up in the result of `events`. */
function stateEventIn(
  state: ReadonlyMap<string, StoredEvent>,
  type: string,
  stateKey: string,
): StoredEvent | undefined {
  return state.get(stateTuple(type, stateKey));
}
