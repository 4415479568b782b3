/** The engine's view of rooms, in memory and in the database, shared by its parts. */
import { atMost, LRUCache } from "../../platform/caches.ts";
import { type Random, systemRandom } from "../../platform/random.ts";
import { stateNodes } from "../../storage/rooms/heads.ts";
import { shareRows } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";
import { createAuthChains } from "../records/auth-chains.ts";
import type { AuthChains } from "../records/auth-chains.ts";
import { createEvents } from "../records/events.ts";
import type { Events } from "../records/events.ts";
import { createPendingIds } from "../records/pending.ts";
import type { PendingIds } from "../records/pending.ts";
import type { RoomReader } from "./room-reader.ts";
import { createRegistry } from "../records/registry.ts";
import type { Registry } from "../records/registry.ts";
import { createResolver } from "./resolver.ts";
import { createResolutionCache } from "./resolution-cache.ts";
import { createStateReader } from "./reader.ts";
import { createStateTree } from "./tree/index.ts";
import { createTuples } from "./tuples.ts";

/** The committed rows. A command sees pending events too, through the `store` of its head. */
export interface RoomStore extends RoomReader {
  readonly registry: Registry;
  readonly events: Events;
  readonly authChains: AuthChains;
  readonly pendingIds: PendingIds;
  /**
   * Per room: the log position of the last change to or from partial state that a loaded head has
   * taken into account.
   */
  readonly partialSeen: LRUCache<number, number>;
  /** For the versions of heads. */
  readonly random: Random;
}

/** Drops everything cached of a room's events: rows were deleted, or states were recomputed. */
export function forgetRoom(store: RoomStore, roomNid: number): void {
  store.events.forgetRoom(roomNid);
  store.authChains.forget(roomNid);
  store.resolutions.forget(roomNid);
}

export function createRoomStore(sql: Sql, random: Random = systemRandom): RoomStore {
  const events = createEvents(sql);
  const tuples = createTuples(sql);
  const nodes = shareRows(
    (hashes: readonly Buffer[]) => stateNodes(sql, hashes),
    (hash) => hash.toString("latin1"),
    (node) => node.hash.toString("latin1"),
  );
  const tree = createStateTree(nodes);
  return {
    sql,
    registry: createRegistry(sql),
    events,
    tuples,
    tree,
    state: createStateReader(tree, tuples, events),
    authChains: createAuthChains(sql),
    resolver: createResolver(),
    pendingIds: createPendingIds(),
    resolutions: createResolutionCache(),
    partialSeen: new LRUCache(atMost(10_000)),
    random,
  };
}
