/** State resolution v1, v2 and v2.1: one state out of several, on events that are at hand. */
export { AuthGraph } from "./auth-graph.ts";
export type { StateConflict } from "./conflict.ts";
export { type PortableConflict, resolvePortable } from "./portable.ts";
export { authDifference, resolveConflict, resolveStateMaps, tuplesRead } from "./resolve.ts";
export { type Separated, separate } from "./separate.ts";
