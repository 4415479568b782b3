/** Rooms' states at positions of the log. */
import { roomStatesAt } from "../../storage/rooms/timeline.ts";
import { shareQuery } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";
import { rootOfBytes } from "../records/events.ts";
import type { StateRoot } from "../api/index.ts";

/**
 * The room's current state root as of a log position; null when it had none. Concurrent calls share
 * one query.
 */
export type RootAt = (place: {
  readonly roomNid: number;
  readonly position: number;
}) => Promise<StateRoot>;

export function createRootAt(sql: Sql): RootAt {
  return shareQuery(async (places) => (await roomStatesAt(sql, places)).map(rootOfBytes));
}
