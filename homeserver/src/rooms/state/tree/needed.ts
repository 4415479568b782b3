/** Which of the newly made nodes have to be stored. */
import { branchChildren, isLeaf } from "./node.ts";
import type { NodeKey } from "./node.ts";
import type { StateNode } from "./store.ts";

/** The nodes that the roots (hexadecimal) refer to; those of intermediate states are left out. */
export function neededNodes(
  nodes: readonly StateNode[],
  roots: Iterable<string | null>,
): readonly StateNode[] {
  if (nodes.length === 0) return nodes;
  const made = new Map<NodeKey, StateNode>();
  for (const node of nodes) made.set(node.hash.toString("latin1"), node);
  const needed = new Set<StateNode>();
  const add = (key: NodeKey): void => {
    const node = made.get(key);
    if (node !== undefined) needed.add(node);
  };
  for (const root of roots) if (root !== null) add(Buffer.from(root, "hex").toString("latin1"));
  // Iterating over a Set also visits what is added meanwhile.
  for (const { data } of needed) {
    if (isLeaf(data)) continue;
    for (const child of branchChildren(data)) if (child !== undefined) add(child);
  }
  return [...needed];
}
