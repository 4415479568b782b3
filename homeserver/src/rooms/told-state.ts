/** State and auth events that another server tells, fetched, verified and stored as outliers. */
import { errors } from "../protocol/errors.ts";
import { isEventId, serverOf } from "../protocol/identifiers.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import type { RoomEvent } from "../protocol/event.ts";
import { isJsonObject } from "../protocol/json.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { Outliers } from "./outliers.ts";
import type { ToldState } from "./place.ts";
import type { RoomStore } from "./store.ts";
import type { KeyRing, RemoteServer } from "./types-federation.ts";
import type { Room } from "./types.ts";
import { verifyPdus } from "./verify.ts";

export interface ToldStates {
  /** The state before an event as `server` tells it. Throws when it can't be had whole. */
  before(server: ServerName, room: Room, event: RoomEvent): Promise<ToldState>;
  /** Gets what is missing of the event's auth chain. */
  completeAuth(server: ServerName, room: Room, event: RoomEvent): Promise<void>;
}

/** From so many unknown events on, the whole state is asked for instead of one by one. */
const MANY = 50;
const AT_ONCE = 8;

export function createToldStates(
  store: RoomStore,
  remote: RemoteServer,
  keyRing: KeyRing,
  outliers: Outliers,
): ToldStates {
  async function keep(room: Room, pdus: readonly Json[]): Promise<void> {
    const verified = await verifyPdus(keyRing, pdus, room.version);
    const events = verified.flatMap(({ event }) => event ?? []);
    await outliers.store(
      room,
      events.filter((event) => event.roomId === room.roomId),
    );
  }

  async function unknownOf(ids: readonly EventId[]): Promise<EventId[]> {
    const known = await store.events.byIds(ids);
    return ids.filter((id) => !known.has(id));
  }

  async function fetchEach(server: ServerName, ids: readonly EventId[]): Promise<Json[]> {
    const pdus: Json[] = [];
    const queue = [...ids];
    const workers = Array.from({ length: Math.min(AT_ONCE, ids.length) }, async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const answer = await remote.event(server, id).catch((): JsonObject => ({}));
        pdus.push(...listIn(answer, "pdus"));
      }
    });
    await Promise.all(workers);
    return pdus;
  }

  async function before(server: ServerName, room: Room, event: RoomEvent): Promise<ToldState> {
    const answer = await remote.stateIds(server, room.roomId, event.eventId);
    const stateIds = listIn(answer, "pdu_ids").filter(isEventId);
    const chainIds = listIn(answer, "auth_chain_ids").filter(isEventId);
    const unknown = await unknownOf([...stateIds, ...chainIds]);
    if (unknown.length > MANY) {
      const whole = await remote.state(server, room.roomId, event.eventId);
      await keep(room, [...listIn(whole, "auth_chain"), ...listIn(whole, "pdus")]);
    } else if (unknown.length > 0) {
      await keep(room, await fetchEach(server, unknown));
    }
    const found = await store.events.byIds(stateIds);
    const told = [...found.values()].filter(
      (stored) =>
        stored.status !== "rejected" &&
        stored.event.stateKey !== undefined &&
        stored.roomNid === room.nid,
    );
    if (!told.some((stored) => stored.event.type === "m.room.create")) {
      throw errors.unknown(`${server} told no state before ${event.eventId}`, 502);
    }
    return told;
  }

  return {
    async before(server, room, event) {
      try {
        return await before(server, room, event);
      } catch (error) {
        const other = serverOf(event.sender);
        if (other === server) throw error;
        return before(other, room, event);
      }
    },
    async completeAuth(server, room, event) {
      if ((await unknownOf(event.authEventIds)).length === 0) return;
      const answer = await remote.eventAuth(server, room.roomId, event.eventId);
      await keep(room, listIn(answer, "auth_chain"));
      const lacking = await unknownOf(event.authEventIds);
      if (lacking.length > 0) await keep(room, await fetchEach(server, lacking));
    },
  };
}

/** A list in an answer of another server; empty when it's none. */
export function listIn(answer: JsonObject, key: string): Json[] {
  const list = isJsonObject(answer) ? answer[key] : undefined;
  return Array.isArray(list) ? list : [];
}
