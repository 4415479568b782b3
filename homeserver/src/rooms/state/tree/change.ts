/** Setting entries: a pure function from a node and changes to a new node. */
import {
  branchChildren,
  countOf,
  encodeBranch,
  encodeLeaf,
  isLeaf,
  keyOf,
  LEAF_MAX,
  leafEntries,
  MAX_LEVEL,
  slotOf,
} from "./node.ts";
import type { Entry, NodeKey } from "./node.ts";
import type { NodeReader } from "./store.ts";

/** A tuple's new event, or null to take the entry out. */
export type Change = readonly [tuple: number, event: number | null];

interface Sized {
  readonly key: NodeKey;
  readonly count: number;
}

/** Applies changes below a node and adds new nodes to `made`. Undefined is an empty subtree. */
export function applyChanges(
  nodes: NodeReader,
  made: Map<NodeKey, Buffer>,
  key: NodeKey | undefined,
  changes: readonly Change[],
  level: number,
): Sized | undefined {
  if (key === undefined) return build(made, changedEntries([], changes), level);
  const node = nodes.get(key);
  if (node === undefined) return undefined;
  if (isLeaf(node)) return build(made, changedEntries(leafEntries(node), changes), level);

  const children = branchChildren(node);
  let count = countOf(node);
  for (const [slot, below] of bySlot(changes, level)) {
    const before = children[slot];
    const beforeNode = before === undefined ? undefined : nodes.get(before);
    if (before !== undefined && beforeNode === undefined) continue;
    const after = applyChanges(nodes, made, before, below, level + 1);
    count += (after?.count ?? 0) - (beforeNode === undefined ? 0 : countOf(beforeNode));
    children[slot] = after?.key;
  }
  if (count > LEAF_MAX) return add(made, encodeBranch(children, count), count);
  const entries: Entry[] = [];
  const readable: NodeReader = { get: (child) => made.get(child) ?? nodes.get(child) };
  for (const child of children) {
    if (child === undefined) continue;
    gather(readable, child, entries);
    made.delete(child);
  }
  return build(made, sorted(entries), level);
}

/** All entries below a node, unsorted. */
export function gather(nodes: NodeReader, key: NodeKey, into: Entry[]): void {
  const node = nodes.get(key);
  if (node === undefined) return;
  if (isLeaf(node)) {
    for (const entry of leafEntries(node)) into.push(entry);
    return;
  }
  for (const child of branchChildren(node)) if (child !== undefined) gather(nodes, child, into);
}

/** Builds the subtree of these entries (sorted by tuple). */
function build(
  made: Map<NodeKey, Buffer>,
  entries: readonly Entry[],
  level: number,
): Sized | undefined {
  if (entries.length === 0) return undefined;
  if (entries.length <= LEAF_MAX || level >= MAX_LEVEL) {
    return add(made, encodeLeaf(entries), entries.length);
  }
  const children: (NodeKey | undefined)[] = Array.from({ length: 32 });
  for (const [slot, below] of bySlot(entries, level)) {
    children[slot] = build(made, below, level + 1)?.key;
  }
  return add(made, encodeBranch(children, entries.length), entries.length);
}

function add(made: Map<NodeKey, Buffer>, data: Buffer, count: number): Sized {
  const key = keyOf(data);
  made.set(key, data);
  return { key, count };
}

function bySlot<T extends readonly [number, unknown]>(
  entries: readonly T[],
  level: number,
): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const entry of entries) {
    const slot = slotOf(entry[0], level);
    const group = groups.get(slot);
    if (group) group.push(entry);
    else groups.set(slot, [entry]);
  }
  return groups;
}

function changedEntries(entries: Entry[], changes: readonly Change[]): Entry[] {
  const map = new Map<number, number>(entries);
  for (const [tuple, event] of changes) {
    if (event === null) map.delete(tuple);
    else map.set(tuple, event);
  }
  return sorted([...map]);
}

function sorted(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => a[0] - b[0]);
}
