/** What reads need: committed rows or, within a command, these and pending events. */
import type { Sql } from "../../storage/sql.ts";
import type { AuthChains } from "../records/auth-chains.ts";
import type { EventReader } from "../records/events.ts";
import type { ResolutionCache } from "./resolution-cache.ts";
import type { Resolver } from "./resolver.ts";
import type { StateReader } from "./reader.ts";
import type { StateTree } from "./tree/index.ts";
import type { Tuples } from "./tuples.ts";

export interface RoomReader {
  readonly sql: Sql;
  readonly events: EventReader;
  readonly tuples: Tuples;
  readonly tree: StateTree;
  readonly resolutions: ResolutionCache;
  readonly state: StateReader;
  readonly authChains: AuthChains;
  /** Absent: conflicts are resolved in line. */
  readonly resolver?: Resolver | undefined;
}
