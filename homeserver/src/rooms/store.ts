/** What the engine knows of rooms, in memory and in the database: shared by its parts. */
import { stateNodes } from "../storage/room-heads.ts";
import type { Sql } from "../storage/sql.ts";
import { createAuthChains } from "./auth-chains.ts";
import type { AuthChains } from "./auth-chains.ts";
import { createEvents } from "./events.ts";
import type { Events } from "./events.ts";
import { createRegistry } from "./registry.ts";
import type { Registry } from "./registry.ts";
import { createResolver } from "./resolver.ts";
import type { Resolver } from "./resolver.ts";
import { createStateReader } from "./state-reader.ts";
import type { StateReader } from "./state-reader.ts";
import { createStateTree } from "./state-tree/index.ts";
import type { StateTree } from "./state-tree/index.ts";
import { createTuples } from "./tuples.ts";
import type { Tuples } from "./tuples.ts";

export interface RoomStore {
  readonly sql: Sql;
  readonly registry: Registry;
  readonly events: Events;
  readonly tuples: Tuples;
  readonly tree: StateTree;
  readonly state: StateReader;
  readonly authChains: AuthChains;
  /** Absent: conflicts are resolved in line. */
  readonly resolver?: Resolver | undefined;
}

export function createRoomStore(sql: Sql): RoomStore {
  const events = createEvents(sql);
  const tuples = createTuples(sql);
  const tree = createStateTree((hashes) => stateNodes(sql, hashes));
  return {
    sql,
    registry: createRegistry(sql),
    events,
    tuples,
    tree,
    state: createStateReader(tree, tuples, events),
    authChains: createAuthChains(sql),
    resolver: createResolver(),
  };
}
