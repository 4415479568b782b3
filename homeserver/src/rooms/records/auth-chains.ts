/**
 * The auth graph of rooms as integers, for state resolution and for answers that contain auth
 * chains.
 */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { AuthGraph } from "../../protocol/state-res/index.ts";
import { authNids as storedAuthNids } from "../../storage/rooms/events.ts";
import type { Sql } from "../../storage/sql.ts";

export interface AuthChains {
  /** Adds a new event's auth events, so that they need not be queried. */
  add(nid: number, authNids: readonly number[]): void;
  /**
   * The room's auth graph, with at least these events and their auth chains. Its ids are
   * `graphId(nid)`.
   */
  graph(roomNid: number, nids: readonly number[]): Promise<AuthGraph>;
  /** These events and everything in their auth chains. */
  chain(roomNid: number, nids: readonly number[]): Promise<number[]>;
  /** Forgets a room's graph, because missing auth events have arrived. */
  forget(roomNid: number): void;
  /** The same, with the auth events of pending events. */
  over(authNidsOf: AuthNidsOf): AuthChains;
}

type AuthNidsOf = (nid: number) => readonly number[] | undefined;

/** Nodes of the graph are named by nid. */
export function graphId(nid: number): EventId {
  return String(nid) as EventId;
}

export function nidOfGraphId(id: EventId): number {
  return Number(id);
}

export function createAuthChains(sql: Sql): AuthChains {
  const graphs = new LRUCache<number, AuthGraph>(atMost(100));
  const recent = new LRUCache<number, readonly number[]>(atMost(100_000));

  /** Loads the auth events that the graph lacks, one query per level of the chain. */
  async function unknownTo(
    graph: AuthGraph,
    nids: readonly number[],
    authNidsOf: AuthNidsOf,
  ): Promise<Map<number, readonly number[]>> {
    const found = new Map<number, readonly number[]>();
    let level = new Set(nids.filter((nid) => graph.node(graphId(nid)) === undefined));
    while (level.size > 0) {
      const asked: number[] = [];
      for (const nid of level) {
        const known = authNidsOf(nid) ?? recent.get(nid);
        if (known === undefined) asked.push(nid);
        else found.set(nid, known);
      }
      if (asked.length > 0) {
        for (const row of await storedAuthNids(sql, asked)) found.set(row.nid, row.authNids);
      }
      const next = new Set<number>();
      for (const nid of level) {
        for (const auth of found.get(nid) ?? []) {
          if (!found.has(auth) && graph.node(graphId(auth)) === undefined) next.add(auth);
        }
      }
      level = next;
    }
    return found;
  }

  function reader(authNidsOf: AuthNidsOf): AuthChains {
    async function graph(roomNid: number, nids: readonly number[]): Promise<AuthGraph> {
      let graph = graphs.get(roomNid);
      if (graph === undefined) graphs.set(roomNid, (graph = new AuthGraph()));
      const found = await unknownTo(graph, nids, authNidsOf);
      graph.grow(nids.map(graphId), (id) => found.get(nidOfGraphId(id))?.map(graphId));
      return graph;
    }
    return {
      add: (nid, authNids) => recent.set(nid, authNids),
      graph,
      async chain(roomNid, nids) {
        const known = await graph(roomNid, nids);
        const nodes = nids.flatMap((nid) => known.node(graphId(nid)) ?? []);
        return known.difference([nodes, []]).map((node) => nidOfGraphId(known.eventId(node)));
      },
      forget: (roomNid) => graphs.delete(roomNid),
      over: reader,
    };
  }

  return reader(() => undefined);
}
