/** Which of the nodes just made are to be stored. */
import { branchChildren, isLeaf } from "./node.ts";
import type { NodeKey } from "./node.ts";
import type { StateNode } from "./store.ts";

/** Those of the nodes that hang on the roots (hexadecimal); states on the way to them are left out. */
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
  // A Set's iteration also visits what is added on the way.
  for (const { data } of needed) {
    if (isLeaf(data)) continue;
    for (const child of branchChildren(data)) if (child !== undefined) add(child);
  }
  return [...needed];
}
