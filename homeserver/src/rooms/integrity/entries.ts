/** Checks that every entry of stored states names a stored event of this room and this key. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { faultyEntries } from "../../storage/rooms/integrity.ts";
import type { FaultyEntryRow } from "../../storage/rooms/integrity.ts";
import { stateNodes } from "../../storage/rooms/heads.ts";
import type { Sql } from "../../storage/sql.ts";
import { branchChildren, isLeaf, leafEntries } from "../state/tree/node.ts";
import type { Entry, NodeKey } from "../state/tree/node.ts";
import type { Room } from "../api/index.ts";

/** The faults below a node of a state tree. */
export interface TreeFaults {
  /** Entries with an event of another key or room; only some when there are many. */
  readonly entries: readonly FaultyEntryRow[];
  /** A node is not stored. */
  readonly isTorn: boolean;
  /** It is the root itself. */
  readonly isGone: boolean;
}

export interface EntryCheck {
  /**
   * Roots (in bytes) → the faults below them; correct ones are absent. Nodes that were checked are
   * not read again.
   */
  faultsOf(roots: readonly Buffer[]): Promise<Map<string, TreeFaults>>;
}

const NODES_KNOWN = 500_000;
const ENTRIES_KNOWN = 1_000_000;
const ENTRIES_NAMED = 5;
const SOUND: TreeFaults = { entries: [], isTorn: false, isGone: false };
const TORN: TreeFaults = { entries: [], isTorn: true, isGone: true };

export function createEntryCheck(sql: Sql, room: Room): EntryCheck {
  /** Nodes whose whole subtree was checked. States share most of their nodes. */
  const known = new LRUCache<NodeKey, TreeFaults>(atMost(NODES_KNOWN));
  /** Event → the tuple under which it may stand. */
  const right = new LRUCache<number, number>(atMost(ENTRIES_KNOWN));

  /**
   * Nodes that were not checked yet, with everything below them, in the order in which they were
   * found.
   */
  async function unknownBelow(
    roots: readonly NodeKey[],
  ): Promise<Map<NodeKey, Buffer | undefined>> {
    const found = new Map<NodeKey, Buffer | undefined>();
    let level = new Set(roots.filter((key) => known.get(key) === undefined));
    while (level.size > 0) {
      const keys = [...level];
      for (const key of keys) found.set(key, undefined);
      const hashes = keys.map((key) => Buffer.from(key, "latin1"));
      for (const { hash, data } of await stateNodes(sql, hashes)) {
        found.set(hash.toString("latin1"), data);
      }
      level = new Set();
      for (const key of keys) {
        for (const child of childrenOf(found.get(key))) {
          if (!found.has(child) && known.get(child) === undefined) level.add(child);
        }
      }
    }
    return found;
  }

  async function faultyAmong(leaves: Iterable<Buffer>): Promise<Map<string, FaultyEntryRow>> {
    const asked: Entry[] = [];
    const seen = new Set<string>();
    for (const leaf of leaves) {
      for (const entry of leafEntries(leaf)) {
        const [tuple, nid] = entry;
        if (right.get(nid) === tuple || seen.has(keyOfEntry(entry))) continue;
        seen.add(keyOfEntry(entry));
        asked.push(entry);
      }
    }
    const faulty = new Map<string, FaultyEntryRow>();
    if (asked.length === 0) return faulty;
    for (const row of await faultyEntries(sql, room.nid, asked)) {
      faulty.set(keyOfEntry([row.tuple, row.nid]), row);
    }
    for (const entry of asked) if (!faulty.has(keyOfEntry(entry))) right.set(entry[1], entry[0]);
    return faulty;
  }

  return {
    async faultsOf(roots) {
      const keys = roots.map((root) => root.toString("latin1"));
      const nodes = await unknownBelow(keys);
      const leaves = [...nodes.values()].filter((data) => data !== undefined && isLeaf(data));
      const faulty = await faultyAmong(leaves as Buffer[]);
      const own = new Map<NodeKey, TreeFaults>();
      const judge = (key: NodeKey): TreeFaults => {
        let faults = own.get(key) ?? known.get(key);
        if (faults === undefined) own.set(key, (faults = faultsIn(nodes.get(key), faulty, judge)));
        return faults;
      };
      for (const key of keys) judge(key);
      for (const [key, faults] of own) known.set(key, faults);
      const found = new Map<string, TreeFaults>();
      for (const key of keys) {
        const faults = own.get(key) ?? known.get(key) ?? SOUND;
        if (faults.isTorn || faults.entries.length > 0) {
          found.set(Buffer.from(key, "latin1").toString("hex"), faults);
        }
      }
      return found;
    },
  };
}

function childrenOf(data: Buffer | undefined): NodeKey[] {
  if (data === undefined || isLeaf(data)) return [];
  return branchChildren(data).filter((child) => child !== undefined);
}

function faultsIn(
  data: Buffer | undefined,
  faulty: ReadonlyMap<string, FaultyEntryRow>,
  below: (child: NodeKey) => TreeFaults,
): TreeFaults {
  if (data === undefined) return TORN;
  if (isLeaf(data)) {
    if (faulty.size === 0) return SOUND;
    const entries = leafEntries(data).flatMap((entry) => faulty.get(keyOfEntry(entry)) ?? []);
    return entries.length === 0 ? SOUND : { entries, isTorn: false, isGone: false };
  }
  const all = childrenOf(data).map(below);
  if (all.every((one) => one === SOUND)) return SOUND;
  const entries = all.flatMap((one) => one.entries).slice(0, ENTRIES_NAMED);
  return { entries, isTorn: all.some((one) => one.isTorn), isGone: false };
}

function keyOfEntry([tuple, nid]: Entry): string {
  return `${tuple} ${nid}`;
}

/** The faults below a root, in words, as a statement about a state. */
export function describeFaults({ entries, isTorn, isGone }: TreeFaults): string[] {
  const lost = isTorn ? [`has lost ${isGone ? "its root" : "a"} node`] : [];
  return [...lost, ...entries.slice(0, ENTRIES_NAMED).map(describeEntry)];
}

/** The fault of an entry, in words. */
function describeEntry({ tuple, nid, type, stateKey, roomNid, isOfKey }: FaultyEntryRow): string {
  if (type === null) return `names event ${nid} for the key ${tuple}, which is not stored`;
  const key = `${type} ${JSON.stringify(stateKey)}`;
  if (roomNid === null) return `names event ${nid} for ${key}, which is not stored`;
  const what = isOfKey === true ? "another room's" : "an event of another key";
  return `names event ${nid} for ${key}, which is ${what}`;
}
