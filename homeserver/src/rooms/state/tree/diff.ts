/** The difference of two trees; the cost grows with the difference, not with the trees. */
import { gather } from "./change.ts";
import { branchChildren, isLeaf } from "./node.ts";
import type { Entry, NodeKey } from "./node.ts";
import type { NodeReader } from "./store.ts";

/** tuple nid → event nid in the first tree and in the second. */
export type Difference = Map<number, [before: number | undefined, after: number | undefined]>;

export function diffNodes(
  nodes: NodeReader,
  before: NodeKey | undefined,
  after: NodeKey | undefined,
  into: Difference,
): void {
  if (before === after) return;
  const a = before === undefined ? undefined : nodes.get(before);
  const b = after === undefined ? undefined : nodes.get(after);
  if (before !== undefined && a === undefined) return;
  if (after !== undefined && b === undefined) return;
  if (a !== undefined && b !== undefined && !isLeaf(a) && !isLeaf(b)) {
    const left = branchChildren(a);
    const right = branchChildren(b);
    for (let slot = 0; slot < 32; slot++) diffNodes(nodes, left[slot], right[slot], into);
    return;
  }
  diffEntries(entriesOf(nodes, before), entriesOf(nodes, after), into);
}

function entriesOf(nodes: NodeReader, key: NodeKey | undefined): Entry[] {
  const entries: Entry[] = [];
  if (key !== undefined) gather(nodes, key, entries);
  return entries;
}

function diffEntries(before: Entry[], after: Entry[], into: Difference): void {
  const left = new Map(before);
  for (const [tuple, event] of after) {
    const old = left.get(tuple);
    left.delete(tuple);
    if (old !== event) into.set(tuple, [old, event]);
  }
  for (const [tuple, event] of left) into.set(tuple, [event, undefined]);
}
