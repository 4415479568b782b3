import type { Scene } from "./scene.ts";

/**
 * A request of a tool: its method, path, body, the members of the answer that the tool reads, and the error that Synapse
 * answers as well and the tool knows.
 */
export type Row = readonly [
  method: string,
  path: (scene: Scene) => string | Promise<string>,
  body?: ((scene: Scene) => object) | undefined,
  reads?: readonly string[],
  errcode?: string,
];
