/** State and auth events that other servers tell, fetched, verified and stored as outliers. */
import { createSemaphore } from "../../platform/semaphore.ts";
import { authorise, authStateOf, authTypesFor } from "../../protocol/auth/index.ts";
import { errors, rejectionOf } from "../../protocol/errors.ts";
import { isEventId } from "../../protocol/identifiers.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { Outliers } from "./outliers.ts";
import { hasKnownState } from "../records/placed.ts";
import type { Asking, Sources } from "./peer-queries.ts";
import type { BeginIntake } from "./state-importer.ts";
import type { RoomStore } from "../state/store.ts";
import { outlinesOf, stateIn } from "./remote-state-roots.ts";
import type { Told } from "./remote-state-roots.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room } from "../api/index.ts";
import { isUnsureMember, verifyPdus } from "./verification.ts";

export interface ToldStates {
  /**
   * The states before the event's missing prev events, as other servers tell them, or else the one before the event; undefined
   * when none does. Each is whole: all its events are here, or on their way. One that forbids its event is taken only
   * when no server tells another.
   */
  before(asking: Asking, event: RoomEvent): Promise<Told | undefined>;
  /** Gets what is missing of the event's auth chain, as far as it can be had. */
  completeAuth(asking: Asking, event: RoomEvent): Promise<void>;
}

/** From so many unknown events on, the whole state is asked for instead of one by one. */
const MANY = 50;
const AT_ONCE = 8;
/** Whole states that are read at once, of all rooms. */
const WHOLES = 2;
/** Where more prev events than these are missing, one state is asked for: that before the event itself. */
const MAX_EACH = 5;

type Remote = Pick<RemoteRooms, "event" | "state" | "stateIds" | "eventAuth">;

/** Event ids of a state, and whether it allows the event that comes after it. */
interface Telling {
  readonly ids: readonly EventId[];
  readonly allows: boolean;
}

export function createToldStates(
  store: RoomStore,
  remote: Remote,
  keyRing: EventKeys,
  outliers: Outliers,
  sources: Sources,
  beginIntake: BeginIntake,
): ToldStates {
  const wholes = createSemaphore(WHOLES);

  /** Answers own memberships of users whose servers' signatures can't be checked. */
  async function keep(
    room: Room,
    pdus: readonly Json[],
    wanted?: ReadonlySet<EventId>,
  ): Promise<Set<EventId>> {
    const verified = await verifyPdus(keyRing, pdus, room.version);
    const events = verified.flatMap(({ event }) => event ?? []);
    const isWanted = (event: RoomEvent) =>
      event.roomId === room.roomId && (wanted?.has(event.eventId) ?? true);
    await outliers.store(room, events.filter(isWanted));
    const unsure = verified.filter(isUnsureMember);
    return new Set(unsure.map(({ eventId }) => eventId));
  }

  /** Those that are neither here nor on their way. */
  async function unknownOf(ids: readonly EventId[]): Promise<EventId[]> {
    const coming = store.arrivals.fromNow(ids);
    const known = await outlinesOf(store, ids);
    return ids.filter((id) => !known.has(id) && !coming.has(id));
  }

  async function fetchEach(asking: Asking, server: ServerName, ids: readonly EventId[]) {
    const pdus: Json[] = [];
    const queue = [...ids];
    const workers = Array.from({ length: Math.min(AT_ONCE, ids.length) }, async () => {
      for (let id = queue.shift(); id !== undefined && !asking.isOver(); id = queue.shift()) {
        const answer = await remote.event(server, id).catch((): JsonObject => ({}));
        pdus.push(...listIn(answer, "pdus").slice(0, 1));
      }
    });
    await Promise.all(workers);
    return keep(asking.room, pdus, new Set(ids));
  }

  async function fetchWhole(
    server: ServerName,
    room: Room,
    at: EventId,
    wanted: ReadonlySet<EventId>,
  ): Promise<ReadonlySet<EventId>> {
    const leave = await wholes.acquire();
    try {
      const intake = beginIntake(room, wanted);
      await remote.state(server, room.roomId, at, intake.take);
      await intake.finish();
      return intake.unsure;
    } finally {
      leave?.();
    }
  }

  /** An outlier with its auth chain; undefined when it can't be had. */
  async function fetchOne(
    asking: Asking,
    server: ServerName,
    id: EventId,
  ): Promise<RoomEvent | undefined> {
    const { room } = asking;
    const known = await store.events.byId(id);
    if (known !== undefined) return known.event;
    const answer = await remote.event(server, id);
    const pdus = listIn(answer, "pdus").slice(0, 1);
    const [verified] = await verifyPdus(keyRing, pdus, room.version);
    const event = verified?.event;
    if (event?.eventId !== id || event.roomId !== room.roomId) return undefined;
    if ((await outliers.store(room, [event])).length > 0) {
      const auth = await remote.eventAuth(server, room.roomId, id);
      await keep(room, listIn(auth, "auth_chain"));
      await outliers.store(room, [event]);
    }
    return (await unknownOf([id])).length === 0 ? event : undefined;
  }

  /** The state before an event as a server tells it, when all of it could be had. */
  async function tell(asking: Asking, server: ServerName, event: RoomEvent): Promise<Telling> {
    const { room } = asking;
    const { eventId } = event;
    const answer = await remote.stateIds(server, room.roomId, eventId);
    const told = [...new Set(listIn(answer, "pdu_ids").filter(isEventId))];
    const chainIds = listIn(answer, "auth_chain_ids").filter(isEventId);
    const unknown = await unknownOf([...told, ...chainIds]);
    let unsure: ReadonlySet<EventId> = new Set();
    if (unknown.length > MANY) {
      unsure = await fetchWhole(server, room, eventId, new Set(unknown));
    } else if (unknown.length > 0) {
      unsure = await fetchEach(asking, server, unknown);
    }
    const isLeftOut = (id: EventId) => asking.mayLeaveOut === true && unsure.has(id);
    const ids = told.filter((id) => !isLeftOut(id));
    const lacking = await unknownOf(ids);
    if (lacking.length > 0) {
      const some = lacking.slice(0, 3).join(", ");
      throw errors.unknown(`${lacking.length} events of the state could not be had: ${some}`, 502);
    }
    return { ids, allows: await allows(room, ids, event, server) };
  }

  /** What is on its way is judged when it's here. Throws when it is no state of the room. */
  async function allows(
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

  /** The best of what servers tell of the state before an event. */
  async function best(
    asking: Asking,
    what: string,
    eventOf: (server: ServerName) => Promise<RoomEvent | undefined>,
  ): Promise<readonly EventId[] | undefined> {
    let forbidding: readonly EventId[] | undefined;
    const found = await sources.ask(asking, what, async (server) => {
      const event = await eventOf(server);
      if (event === undefined) return undefined;
      const telling = await tell(asking, server, event);
      if (telling.allows) return telling.ids;
      forbidding ??= telling.ids;
      return undefined;
    });
    return found ?? forbidding;
  }

  async function beforeEach(
    asking: Asking,
    missing: readonly EventId[],
  ): Promise<Told["before"] | undefined> {
    const before = new Map<EventId, readonly EventId[]>();
    for (const id of missing) {
      const eventOf = (server: ServerName) => fetchOne(asking, server, id);
      const ids = await best(asking, "the state before a missing event", eventOf);
      if (ids === undefined) return undefined;
      before.set(id, ids);
    }
    return before;
  }

  async function missingPrev(event: RoomEvent): Promise<EventId[]> {
    const ids = [...new Set(event.prevEventIds)];
    const coming = store.arrivals.fromNow(ids);
    const prev = await store.events.byIdsNow(ids);
    return ids.filter((id) => {
      const stored = prev.get(id);
      if (stored !== undefined && hasKnownState(stored, event.roomId)) return false;
      return !coming.isPlaced(id, event.roomId);
    });
  }

  return {
    async before(asking, event) {
      const missing = await missingPrev(event);
      const before = missing.length <= MAX_EACH ? await beforeEach(asking, missing) : undefined;
      if (before !== undefined) return { before };
      const instead = await best(asking, "the state before an event", async () => event);
      return instead === undefined ? undefined : { before: new Map(), instead };
    },
    async completeAuth(asking, event) {
      await sources.ask(asking, "an auth chain", async (server) => {
        if ((await unknownOf(event.authEventIds)).length === 0) return true;
        const answer = await remote.eventAuth(server, asking.room.roomId, event.eventId);
        await keep(asking.room, listIn(answer, "auth_chain"));
        const lacking = await unknownOf(event.authEventIds);
        if (lacking.length === 0) return true;
        await fetchEach(asking, server, lacking);
        return (await unknownOf(lacking)).length === 0 ? true : undefined;
      });
    },
  };
}

/** A list in an answer of another server; empty when it's none. */
export function listIn(answer: JsonObject, key: string): Json[] {
  const list = isJsonObject(answer) ? answer[key] : undefined;
  return Array.isArray(list) ? list : [];
}
