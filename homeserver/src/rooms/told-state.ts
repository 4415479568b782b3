/** State and auth events that other servers tell, fetched, verified and stored as outliers. */
import { createSemaphore } from "../platform/semaphore.ts";
import { authorise, authStateOf } from "../protocol/auth/index.ts";
import { errors, rejectionOf } from "../protocol/errors.ts";
import { isEventId } from "../protocol/identifiers.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import type { RoomEvent } from "../protocol/event.ts";
import { isJsonObject } from "../protocol/json.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { Outliers } from "./outliers.ts";
import type { ToldState } from "./place.ts";
import type { Asking, Sources } from "./sources.ts";
import type { BeginIntake } from "./state-intake.ts";
import type { RoomStore } from "./store.ts";
import type { KeyRing, RemoteServer } from "./types-federation.ts";
import type { Room } from "./types.ts";
import { verifyPdus } from "./verify.ts";

export interface ToldStates {
  /**
   * The state before an event as another server tells it; undefined when none does. A state of which events are
   * missing, or that forbids the event, is taken only when no server tells another one.
   */
  before(asking: Asking, event: RoomEvent): Promise<ToldState | undefined>;
  /** Gets what is missing of the event's auth chain, as far as it can be had. */
  completeAuth(asking: Asking, event: RoomEvent): Promise<void>;
}

/** From so many unknown events on, the whole state is asked for instead of one by one. */
const MANY = 50;
const AT_ONCE = 8;
/** Whole states that are read at once, of all rooms. */
const WHOLES = 2;

type Remote = Pick<RemoteServer, "event" | "state" | "stateIds" | "eventAuth">;

export function createToldStates(
  store: RoomStore,
  remote: Remote,
  keyRing: KeyRing,
  outliers: Outliers,
  sources: Sources,
  beginIntake: BeginIntake,
): ToldStates {
  const wholes = createSemaphore(WHOLES);

  async function keep(
    room: Room,
    pdus: readonly Json[],
    wanted?: ReadonlySet<EventId>,
  ): Promise<void> {
    const verified = await verifyPdus(keyRing, pdus, room.version);
    const events = verified.flatMap(({ event }) => event ?? []);
    await outliers.store(
      room,
      events.filter(
        (event) => event.roomId === room.roomId && (wanted?.has(event.eventId) ?? true),
      ),
    );
  }

  async function unknownOf(ids: readonly EventId[]): Promise<EventId[]> {
    const known = await store.events.byIds(ids);
    return ids.filter((id) => !known.has(id));
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
    await keep(asking.room, pdus, new Set(ids));
  }

  async function fetchWhole(
    server: ServerName,
    room: Room,
    event: RoomEvent,
    wanted: ReadonlySet<EventId>,
  ): Promise<void> {
    const leave = await wholes.acquire();
    try {
      const intake = beginIntake(room, wanted);
      await remote.state(server, room.roomId, event.eventId, intake.take);
      await intake.finish();
    } finally {
      leave?.();
    }
  }

  /** What a server tells, and whether all events that it names could be had and verified. */
  async function tell(
    asking: Asking,
    server: ServerName,
    event: RoomEvent,
  ): Promise<{ told: ToldState; isComplete: boolean }> {
    const { room } = asking;
    const answer = await remote.stateIds(server, room.roomId, event.eventId);
    const stateIds = listIn(answer, "pdu_ids").filter(isEventId);
    const chainIds = listIn(answer, "auth_chain_ids").filter(isEventId);
    const unknown = await unknownOf([...stateIds, ...chainIds]);
    if (unknown.length > MANY) {
      await fetchWhole(server, room, event, new Set(unknown));
    } else if (unknown.length > 0) {
      await fetchEach(asking, server, unknown);
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
    return { told, isComplete: found.size === new Set(stateIds).size };
  }

  return {
    async before(asking, event) {
      let incomplete: ToldState | undefined;
      let forbidding: ToldState | undefined;
      const best = await sources.ask(asking, "the state before an event", async (server) => {
        const { told, isComplete } = await tell(asking, server, event);
        if (!allows(told, event)) forbidding ??= told;
        else if (isComplete) return told;
        else incomplete ??= told;
        return undefined;
      });
      return best ?? incomplete ?? forbidding;
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

function allows(told: ToldState, event: RoomEvent): boolean {
  const state = authStateOf(told.map((stored) => stored.event));
  return rejectionOf(() => authorise(event, state)) === undefined;
}

/** A list in an answer of another server; empty when it's none. */
export function listIn(answer: JsonObject, key: string): Json[] {
  const list = isJsonObject(answer) ? answer[key] : undefined;
  return Array.isArray(list) ? list : [];
}
