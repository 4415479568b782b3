/**
 * The store as seen by the commands of one room: it includes events of earlier commands that are
 * not committed yet. Only the commands running on a head may use it, and nothing read from it may
 * be kept after the command.
 */
import type { EventId } from "../../protocol/identifiers.ts";
import type { EventReader, Events } from "../records/events.ts";
import type { Pending } from "../records/pending.ts";
import type { Registry } from "../records/registry.ts";
import type { RoomReader } from "../state/room-reader.ts";
import type { RoomStore } from "../state/store.ts";
import type { StoredEvent } from "../api/index.ts";

export interface CommandStore extends RoomReader {
  readonly registry: Registry;
  readonly pending: Pending;
  /** The store without pending events, as everybody else sees it. */
  readonly committed: RoomStore;
}

export function createCommandStore(store: RoomStore, pending: Pending): CommandStore {
  const { sql, registry, tuples, tree, resolver, resolutions } = store;
  const events = withPending(store.events, pending);
  return {
    ...{ sql, registry, tuples, tree, resolver, resolutions, events, pending },
    state: store.state.over(events),
    authChains: store.authChains.over((nid) => pending.authNids(nid)),
    committed: store,
  };
}

function withPending(events: Events, pending: Pending): EventReader {
  type ByIds = (ids: readonly EventId[]) => Promise<Map<EventId, StoredEvent>>;

  async function lookUp(ids: readonly EventId[], others: ByIds) {
    const found = new Map<EventId, StoredEvent>();
    const left: EventId[] = [];
    for (const id of ids) {
      const event = pending.byId(id);
      if (event === undefined) left.push(id);
      else found.set(id, event);
    }
    // An event that was pending a moment ago may be committed by now: then the tables have it.
    for (const [id, event] of left.length > 0 ? await others(left) : []) found.set(id, event);
    return found;
  }

  const byIds: ByIds = (ids) => lookUp(ids, events.byIds);

  async function byNids(nids: readonly number[]) {
    const found = new Map<number, StoredEvent>();
    const left: number[] = [];
    for (const nid of nids) {
      const event = pending.byNid(nid);
      if (event === undefined) left.push(nid);
      else found.set(nid, event);
    }
    for (const [nid, event] of left.length > 0 ? await events.byNids(left) : []) {
      found.set(nid, event);
    }
    return found;
  }

  return {
    byNids,
    byIds,
    byIdsNow: (ids) => lookUp(ids, events.byIdsNow),
    one: async (nid) => (await byNids([nid])).get(nid),
    byId: async (id) => (await byIds([id])).get(id),
    peekById: (id) => pending.byId(id) ?? events.peekById(id),
    peek(nids) {
      const left = nids.filter((nid) => pending.byNid(nid) === undefined);
      const others = events.peek(left);
      if (others === undefined) return undefined;
      const byNid = new Map(others.map((event) => [event.nid, event]));
      return nids.map((nid) => pending.byNid(nid) ?? byNid.get(nid)!);
    },
  };
}
