/** The events of states and auth chains, fetched from other servers and stored as outliers. */
import { createSemaphore } from "../../platform/semaphore.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { Outliers } from "./outliers.ts";
import type { PeerQuery } from "./peer-queries.ts";
import type { BeginStateImport } from "./state-importer.ts";
import type { RoomStore } from "../state/store.ts";
import { outlinesOf } from "./remote-state-roots.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";
import { isUnverifiableMember } from "../checks/format.ts";

const MAX_CONCURRENT = 8;
/** Whole states that are fetched at once, over all rooms. */
const MAX_WHOLE_STATES = 2;

type StateServers = Pick<RemoteRooms, "event" | "state" | "stateIds" | "eventAuth">;

export interface StateEventsDeps {
  readonly store: RoomStore;
  readonly remote: StateServers;
  readonly keyRing: EventKeys;
  readonly outliers: Outliers;
  readonly beginImport: BeginStateImport;
}

export function createStateEvents(deps: StateEventsDeps) {
  const { store, remote, keyRing, outliers, beginImport } = deps;
  const wholeStates = createSemaphore(MAX_WHOLE_STATES);

  /**
   * Stores those that pass. Returns the memberships whose signature could not be checked, sent by
   * the users themselves.
   */
  async function storeVerified(
    room: Room,
    pdus: readonly Json[],
    wanted?: ReadonlySet<EventId>,
  ): Promise<Set<EventId>> {
    const verified = await verifyPdus(keyRing, pdus, room.version);
    const events = verified.flatMap(({ event }) => event ?? []);
    const isWanted = (event: RoomEvent) =>
      event.roomId === room.roomId && (wanted?.has(event.eventId) ?? true);
    await outliers.store(room, events.filter(isWanted));
    const unverifiable = verified.filter(isUnverifiableMember);
    return new Set(unverifiable.map(({ eventId }) => eventId));
  }

  /** The ids that are neither stored nor pending. */
  async function unknownOf(ids: readonly EventId[]): Promise<EventId[]> {
    const coming = store.pendingIds.fromNow(ids);
    const known = await outlinesOf(store, ids);
    return ids.filter((id) => !known.has(id) && !coming.has(id));
  }

  async function fetchEach(query: PeerQuery, server: ServerName, ids: readonly EventId[]) {
    const pdus: Json[] = [];
    const queue = [...ids];
    const workers = Array.from({ length: Math.min(MAX_CONCURRENT, ids.length) }, async () => {
      for (let id = queue.shift(); id !== undefined && !query.isOver(); id = queue.shift()) {
        const answer = await remote.event(server, id).catch((): JsonObject => ({}));
        pdus.push(...listIn(answer, "pdus").slice(0, 1));
      }
    });
    await Promise.all(workers);
    return storeVerified(query.room, pdus, new Set(ids));
  }

  async function fetchWhole(
    server: ServerName,
    room: Room,
    at: EventId,
    wanted: ReadonlySet<EventId>,
  ): Promise<ReadonlySet<EventId>> {
    const leave = await wholeStates.acquire();
    try {
      const stateImport = beginImport(room, wanted);
      await remote.state(server, room.roomId, at, stateImport.take);
      await stateImport.finish();
      return stateImport.unverifiable;
    } finally {
      leave?.();
    }
  }

  /** Fetches an event and its auth chain and stores it as an outlier; undefined when that fails. */
  async function fetchOne(
    query: PeerQuery,
    server: ServerName,
    id: EventId,
  ): Promise<RoomEvent | undefined> {
    const { room } = query;
    const known = await store.events.byId(id);
    if (known !== undefined) return known.event;
    const answer = await remote.event(server, id);
    const pdus = listIn(answer, "pdus").slice(0, 1);
    const [verified] = await verifyPdus(keyRing, pdus, room.version);
    const event = verified?.event;
    if (event?.eventId !== id || event.roomId !== room.roomId) return undefined;
    if ((await outliers.store(room, [event])).length > 0) {
      const auth = await remote.eventAuth(server, room.roomId, id);
      await storeVerified(room, listIn(auth, "auth_chain"));
      await outliers.store(room, [event]);
    }
    return (await unknownOf([id])).length === 0 ? event : undefined;
  }

  return { storeVerified, unknownOf, fetchEach, fetchWhole, fetchOne };
}

/** A list in another server's answer; empty when the key is missing or is no list. */
export function listIn(answer: JsonObject, key: string): Json[] {
  const list = isJsonObject(answer) ? answer[key] : undefined;
  return Array.isArray(list) ? list : [];
}
