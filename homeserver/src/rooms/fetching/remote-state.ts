/** Fetches state and auth events from other servers, verifies them, and stores them as outliers. */
import { authorise, authStateOf, authTypesFor } from "../../protocol/auth/index.ts";
import { errors, rejectionOf } from "../../protocol/errors.ts";
import { isEventId } from "../../protocol/identifiers.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { hasKnownState } from "../records/in-graph.ts";
import type { PeerQuery, PeerQueries } from "./peer-queries.ts";
import { outlinesOf, stateIn } from "./remote-state-roots.ts";
import type { RemoteState } from "./remote-state-roots.ts";
import type { Room } from "../api/index.ts";
import { createStateEvents, listIn } from "./state-events.ts";
import type { StateEventsDeps } from "./state-events.ts";

export interface RemoteStates {
  /**
   * The states before the event's missing prev events, as other servers give them, or else the
   * state before the event itself; undefined when no server gives one. Each state is complete: all
   * its events are stored or pending. A state that forbids its event is used only when no server
   * gives another.
   */
  before(query: PeerQuery, event: RoomEvent): Promise<RemoteState | undefined>;
  /** Fetches what is missing of the event's auth chain, as far as other servers have it. */
  completeAuth(query: PeerQuery, event: RoomEvent): Promise<void>;
}

/** From this many missing events on, the whole state is requested instead of single events. */
const WHOLE_STATE_FROM = 50;
/**
 * When more prev events than these are missing, only the state before the event itself is
 * requested.
 */
const MAX_PREV_STATES = 5;

/** Event ids of a state, and whether it allows the event that comes after it. */
interface FetchedState {
  readonly ids: readonly EventId[];
  readonly allows: boolean;
}

export interface RemoteStatesDeps extends StateEventsDeps {
  readonly peerQueries: PeerQueries;
}

export function createRemoteStates(deps: RemoteStatesDeps): RemoteStates {
  const { store, remote, peerQueries } = deps;
  const { storeVerified, unknownOf, fetchEach, fetchWhole, fetchOne } = createStateEvents(deps);

  /** The state before an event as one server gives it; throws unless all of it could be fetched. */
  async function fetchState(
    query: PeerQuery,
    server: ServerName,
    event: RoomEvent,
  ): Promise<FetchedState> {
    const { room } = query;
    const { eventId } = event;
    const answer = await remote.stateIds(server, room.roomId, eventId);
    const stateIds = [...new Set(listIn(answer, "pdu_ids").filter(isEventId))];
    const chainIds = listIn(answer, "auth_chain_ids").filter(isEventId);
    const unknown = await unknownOf([...stateIds, ...chainIds]);
    let unverifiable: ReadonlySet<EventId> = new Set();
    if (unknown.length > WHOLE_STATE_FROM) {
      unverifiable = await fetchWhole(server, room, eventId, new Set(unknown));
    } else if (unknown.length > 0) {
      unverifiable = await fetchEach(query, server, unknown);
    }
    const isLeftOut = (id: EventId) => query.mayLeaveOut === true && unverifiable.has(id);
    const ids = stateIds.filter((id) => !isLeftOut(id));
    const lacking = await unknownOf(ids);
    if (lacking.length > 0) {
      const some = lacking.slice(0, 3).join(", ");
      throw errors.unknown(`${lacking.length} events of the state could not be had: ${some}`, 502);
    }
    return { ids, allows: await isAllowedBy(room, ids, event, server) };
  }

  /**
   * Pending events are judged once they are committed. Throws when the events are no state of the
   * room.
   */
  async function isAllowedBy(
    room: Room,
    ids: readonly EventId[],
    event: RoomEvent,
    server: ServerName,
  ): Promise<boolean> {
    const outlines = await outlinesOf(store, ids);
    if (outlines.size < ids.length) return true;
    const state = stateIn(outlines, ids, room.nid);
    if (state === undefined) {
      throw errors.unknown(`${server} told no state before ${event.eventId}`, 502);
    }
    const keys = [...authTypesFor(event, room.version), ["m.room.create", ""] as const];
    const wanted = new Set(keys.map(([type, stateKey]) => stateTuple(type, stateKey)));
    const nids = state.flatMap(([type, stateKey, nid]) =>
      wanted.has(stateTuple(type, stateKey)) ? [nid] : [],
    );
    const found = await store.events.byNids(nids);
    const authState = authStateOf([...found.values()].map((stored) => stored.event));
    return rejectionOf(() => authorise(event, authState)) === undefined;
  }

  /** The best of the states before an event that servers give. */
  async function bestState(
    query: PeerQuery,
    what: string,
    eventOf: (server: ServerName) => Promise<RoomEvent | undefined>,
  ): Promise<readonly EventId[] | undefined> {
    let forbidding: readonly EventId[] | undefined;
    const found = await peerQueries.ask(query, what, async (server) => {
      const event = await eventOf(server);
      if (event === undefined) return undefined;
      const fetched = await fetchState(query, server, event);
      if (fetched.allows) return fetched.ids;
      forbidding ??= fetched.ids;
      return undefined;
    });
    return found ?? forbidding;
  }

  async function statesBeforePrev(
    query: PeerQuery,
    missing: readonly EventId[],
  ): Promise<RemoteState["beforePrev"] | undefined> {
    const before = new Map<EventId, readonly EventId[]>();
    for (const id of missing) {
      const eventOf = (server: ServerName) => fetchOne(query, server, id);
      const ids = await bestState(query, "the state before a missing event", eventOf);
      if (ids === undefined) return undefined;
      before.set(id, ids);
    }
    return before;
  }

  async function missingPrev(event: RoomEvent): Promise<EventId[]> {
    const ids = [...new Set(event.prevEventIds)];
    const coming = store.pendingIds.fromNow(ids);
    const prev = await store.events.byIdsNow(ids);
    return ids.filter((id) => {
      const stored = prev.get(id);
      if (stored !== undefined && hasKnownState(stored, event.roomId)) return false;
      return !coming.isInGraph(id, event.roomId);
    });
  }

  return {
    async before(query, event) {
      const missing = await missingPrev(event);
      const beforePrev =
        missing.length <= MAX_PREV_STATES ? await statesBeforePrev(query, missing) : undefined;
      if (beforePrev !== undefined) return { beforePrev };
      const beforeEvent = await bestState(query, "the state before an event", async () => event);
      return beforeEvent === undefined ? undefined : { beforePrev: new Map(), beforeEvent };
    },
    async completeAuth(query, event) {
      await peerQueries.ask(query, "an auth chain", async (server) => {
        if ((await unknownOf(event.authEventIds)).length === 0) return true;
        const answer = await remote.eventAuth(server, query.room.roomId, event.eventId);
        await storeVerified(query.room, listIn(answer, "auth_chain"));
        const lacking = await unknownOf(event.authEventIds);
        if (lacking.length === 0) return true;
        await fetchEach(query, server, lacking);
        return (await unknownOf(lacking)).length === 0 ? true : undefined;
      });
    },
  };
}
