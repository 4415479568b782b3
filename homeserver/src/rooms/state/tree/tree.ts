/**
 * The state tree: a persistent map of (type, state key) to event, both as integers (tuple nid →
 * event nid). A snapshot is identified by its root's hash. Equal entries give equal roots, and
 * snapshots share equal parts.
 */
import { applyChanges, gather } from "./change.ts";
import type { Change } from "./change.ts";
import { diffNodes } from "./diff.ts";
import type { Difference } from "./diff.ts";
import { branchChild, branchChildren, isLeaf, leafEntries, leafGet, slotOf } from "./node.ts";
import type { Entry, NodeKey } from "./node.ts";
import { createNodeStore } from "./store.ts";
import type { LoadNodes, NodeReader, StateNode } from "./store.ts";
import type { StateRoot } from "../../api/index.ts";

export interface StateTree {
  get(root: StateRoot, tuple: number): Promise<number | undefined>;
  /** Absent tuples are absent from the map. One query per level at most. */
  getMany(root: StateRoot, tuples: readonly number[]): Promise<Map<number, number>>;
  /** Applies several changes. `nodes` have to be stored with whatever refers to the new root. */
  set(
    root: StateRoot,
    changes: readonly Change[],
  ): Promise<{ root: StateRoot; nodes: StateNode[] }>;
  diff(before: StateRoot, after: StateRoot): Promise<Difference>;
  entries(root: StateRoot): Promise<Entry[]>;
  /**
   * Entries leaf by leaf, at least `limit` of them unless the end is reached; `next` continues
   * after this page.
   */
  page(
    root: StateRoot,
    cursor: string | null,
    limit: number,
  ): Promise<{ entries: Entry[]; next: string | null }>;
  hold(nodes: readonly StateNode[]): void;
  release(nodes: readonly StateNode[]): void;
  readonly loaded: { nodes: number; queries: number };
}

/**
 * `cacheBytes` limits the nodes in memory. `keepsMade` false: nodes made by `set` are not cached,
 * for a caller that stores nothing.
 */
export function createStateTree(
  load: LoadNodes,
  cacheBytes = 64 * 1024 * 1024,
  keepsMade = true,
): StateTree {
  const store = createNodeStore(load, cacheBytes);
  return {
    get: async (root, tuple) => (await getMany(root, [tuple])).get(tuple),
    getMany,
    async set(root, changes) {
      if (changes.length === 0) return { root, nodes: [] };
      const { top, made } = await store.run((nodes) => {
        const made = new Map<NodeKey, Buffer>();
        return { top: applyChanges(nodes, made, keyOfRoot(root), changes, 0), made };
      });
      const nodes: StateNode[] = [];
      for (const [key, data] of made) {
        if (keepsMade) store.add(key, data);
        nodes.push({ hash: Buffer.from(key, "latin1"), data });
      }
      return { root: top === undefined ? null : rootOfKey(top.key), nodes };
    },
    diff: (before, after) =>
      store.run((nodes) => {
        const into: Difference = new Map();
        diffNodes(nodes, keyOfRoot(before), keyOfRoot(after), into);
        return into;
      }),
    entries: (root) =>
      store.run((nodes) => {
        const into: Entry[] = [];
        const key = keyOfRoot(root);
        if (key !== undefined) gather(nodes, key, into);
        return into;
      }),
    page: (root, cursor, limit) =>
      store.run((nodes) => {
        const page: Page = { entries: [], limit, last: null, more: false, misses: 0 };
        const key = keyOfRoot(root);
        if (key !== undefined) visit(nodes, key, "", cursor, page);
        return { entries: page.entries, next: page.more ? page.last : null };
      }),
    hold: store.hold,
    release: store.release,
    loaded: store.loaded,
  };

  async function getMany(root: StateRoot, tuples: readonly number[]): Promise<Map<number, number>> {
    const key = keyOfRoot(root);
    if (key === undefined || tuples.length === 0) return new Map();
    return store.run((nodes) => {
      const found = new Map<number, number>();
      for (const tuple of tuples) {
        const event = lookUp(nodes, key, tuple);
        if (event !== undefined) found.set(tuple, event);
      }
      return found;
    });
  }
}

function lookUp(nodes: NodeReader, root: NodeKey, tuple: number): number | undefined {
  let key: NodeKey | undefined = root;
  for (let level = 0; key !== undefined; level++) {
    const node = nodes.get(key);
    if (node === undefined) return undefined;
    if (isLeaf(node)) return leafGet(node, tuple);
    key = branchChild(node, slotOf(tuple, level));
  }
  return undefined;
}

interface Page {
  readonly entries: Entry[];
  readonly limit: number;
  last: string | null;
  more: boolean;
  /** Nodes that must be loaded first: a page loads a few at a time, not the whole level. */
  misses: number;
}

/**
 * Depth first. A leaf's path has one character per level, and paths sort in the order of the visit.
 */
function visit(
  nodes: NodeReader,
  key: NodeKey,
  path: string,
  after: string | null,
  page: Page,
): void {
  if (page.more) return;
  if (after !== null && path < after && !after.startsWith(path)) return;
  const node = nodes.get(key);
  if (node === undefined) {
    page.misses += 1;
    page.more = page.misses * 32 > page.limit;
    return;
  }
  if (isLeaf(node)) {
    if (after !== null && path <= after) return;
    if (page.entries.length >= page.limit) {
      page.more = true;
      return;
    }
    for (const entry of leafEntries(node)) page.entries.push(entry);
    page.last = path;
    return;
  }
  for (const [slot, child] of branchChildren(node).entries()) {
    if (child !== undefined) visit(nodes, child, path + slot.toString(32), after, page);
  }
}

function keyOfRoot(root: StateRoot): NodeKey | undefined {
  return root === null ? undefined : Buffer.from(root, "hex").toString("latin1");
}

function rootOfKey(key: NodeKey): string {
  return Buffer.from(key, "latin1").toString("hex");
}
