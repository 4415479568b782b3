export { neededNodes } from "./needed.ts";
export { createStateTree } from "./tree.ts";
export type { StateTree } from "./tree.ts";
export type { Change } from "./change.ts";
export type { Difference } from "./diff.ts";
export type { Entry } from "./node.ts";
export type { StateNode } from "./store.ts";
