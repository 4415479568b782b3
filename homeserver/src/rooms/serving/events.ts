/** Answers requests of other servers for events, states and history. */
import { errors } from "../../protocol/errors.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { EventId, ServerName, UserId } from "../../protocol/identifiers.ts";
import { historyVisibility, serverCanSee } from "../../protocol/events/visibility.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { closestEvent } from "../history/by-time.ts";
import type { Acl } from "../state/server-acl.ts";
import type { Erasures } from "../visibility/erasures.ts";
import type { Lifetimes } from "../visibility/lifetimes.ts";
import type { FederationAccess } from "./federation-access.ts";
import { isInGraph } from "../records/in-graph.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { StateAnswers, StateNids } from "./state-answers.ts";
import type { RoomStore } from "../state/store.ts";
import type { RoomFederation } from "../api/federation.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";
import { membersOfServer } from "../../storage/rooms/members.ts";

export interface ServeEventsDeps {
  readonly store: RoomStore;
  readonly access: FederationAccess;
  readonly acl: Acl;
  readonly answers: StateAnswers;
  readonly partial: PartialRooms;
  readonly erasures: Erasures;
  readonly lifetimes: Pick<Lifetimes, "isOver">;
}

type Served = Pick<
  RoomFederation,
  "backfill" | "missingEvents" | "state" | "stateIds" | "event" | "eventAuth" | "closestTo"
>;

const MAX_BACKFILL = 100;
const MAX_MISSING = 20;

export function createServeEvents(deps: ServeEventsDeps): Served {
  const { store, access, acl, answers, partial, lifetimes } = deps;

  return {
    async backfill(origin, roomId, from, limit) {
      const { room, mayAsk } = await access.roomForMember(origin, roomId);
      const max = Math.min(Math.max(limit, 0), MAX_BACKFILL);
      const events = await walkBack(room, from, max, mayAsk);
      events.sort((a, b) => b.event.depth - a.event.depth);
      return texts(origin, room, events);
    },
    async missingEvents(origin, roomId, body) {
      const { room, mayAsk } = await access.roomForMember(origin, roomId);
      const max = Math.min(Math.max(body.limit, 0), MAX_MISSING);
      const earliest = new Set<EventId>(body.earliest);
      const latest = (await placedIn(room, body.latest)).filter(mayAsk);
      const starts = latest.flatMap((stored) => stored.event.prevEventIds);
      const events = await walkBack(
        room,
        starts.filter((id) => !earliest.has(id)),
        max,
        (stored) => stored.event.depth >= body.minDepth && !earliest.has(stored.event.eventId),
      );
      events.sort((a, b) => a.event.depth - b.event.depth);
      return texts(origin, room, events);
    },
    async state(origin, roomId, eventId) {
      return answers.texts(await stateOf(origin, roomId, eventId), origin);
    },
    async stateIds(origin, roomId, eventId) {
      const { state, authChain } = await stateOf(origin, roomId, eventId);
      return { pduIds: await answers.ids(state), authChainIds: await answers.ids(authChain) };
    },
    async event(origin, eventId) {
      const stored = await store.events.byId(eventId);
      if (stored === undefined || stored.status === "rejected") throw unknownEvent();
      const { room, mayAsk } = await access.roomForMember(origin, stored.event.roomId);
      // Only the event tells which room the request is about.
      if (!(await acl.allows(room, origin))) {
        throw errors.forbidden("Server is banned from the room");
      }
      if (!mayAsk(stored)) throw errors.forbidden("Your server is not in that room");
      const [text] = await texts(origin, room, [stored]);
      if (text === undefined) throw unknownEvent();
      return text;
    },
    async closestTo(origin, roomId, moment) {
      const { room, mayAsk } = await access.roomForMember(origin, roomId);
      const found = await closestEvent(store, room.nid, moment, async (events) =>
        events.filter(mayAsk),
      );
      if (found === undefined) throw unknownEvent();
      const { eventId, originServerTs } = found.event;
      return { eventId, originServerTs };
    },
    async eventAuth(origin, roomId, eventId) {
      const { room, mayAsk } = await access.roomForMember(origin, roomId);
      const stored = await store.events.byId(eventId);
      if (stored === undefined || stored.roomNid !== room.nid) throw unknownEvent();
      if (!mayAsk(stored)) throw errors.forbidden("Your server is not in that room");
      const chain = await store.authChains.chain(room.nid, [stored.nid]);
      const others = chain.filter((nid) => nid !== stored.nid);
      return answers.listed(others, origin);
    },
  };

  async function placedIn(room: Room, ids: readonly EventId[]): Promise<StoredEvent[]> {
    const found = await store.events.byIds(ids);
    return [...found.values()].filter(
      (stored) => stored.roomNid === room.nid && isInGraph(stored) && stored.status !== "rejected",
    );
  }

  /** Walks backwards along prev events, breadth first, including the named ones. */
  async function walkBack(
    room: Room,
    from: readonly EventId[],
    limit: number,
    wanted: (stored: StoredEvent) => boolean,
  ): Promise<StoredEvent[]> {
    const found = new Map<EventId, StoredEvent>();
    let level: readonly EventId[] = [...new Set(from)];
    while (level.length > 0 && found.size < limit) {
      const next = new Set<EventId>();
      for (const stored of await placedIn(room, level)) {
        if (found.size >= limit || !wanted(stored)) continue;
        found.set(stored.event.eventId, stored);
        for (const id of stored.event.prevEventIds) if (!found.has(id)) next.add(id);
      }
      level = [...next];
    }
    return [...found.values()];
  }

  async function stateOf(
    origin: ServerName,
    roomId: Parameters<Served["state"]>[1],
    eventId: EventId,
  ): Promise<StateNids> {
    const { room, mayAsk } = await access.roomForMember(origin, roomId);
    if (await partial.isPartial(room.nid)) {
      throw errors.notFound("This server does not know the room's whole state yet: ask another");
    }
    const [stored] = await placedIn(room, [eventId]);
    if (stored === undefined) throw unknownEvent();
    if (!mayAsk(stored)) throw errors.forbidden("Your server is not in that room");
    return answers.nids(room, stored.stateBefore);
  }

  /**
   * The PDUs as JSON. Those that the server's users may not see are redacted, so that the graph
   * stays complete. Those that have ended are left out: others may still keep them whole, and who
   * had a redacted copy would not ask for them again.
   */
  async function texts(
    origin: ServerName,
    room: Room,
    events: readonly StoredEvent[],
  ): Promise<string[]> {
    const wasNamedInJoin = (await partial.servers(room.nid)).includes(origin);
    const rows = await membersOfServer(store.sql, room.nid, origin);
    const users = rows.map((row) => row.userId as UserId);
    const withheld = await deps.erasures.withheldFromServer(origin, events);
    const atRoots = new Map<StateRoot, Promise<AtRoot>>();
    return Promise.all(
      events
        .filter((stored) => !lifetimes.isOver(stored))
        .map(async (stored) => {
          const { event, stateBefore } = stored;
          let around = atRoots.get(stateBefore);
          if (around === undefined) atRoots.set(stateBefore, (around = atRoot(stateBefore, users)));
          // Memberships in a partial state are unreliable, but that the server is in the room is
          // certain.
          const visible = wasNamedInJoin || serverCanSee(event, origin, await around);
          return visible && !withheld.has(stored.nid) ? event.json() : redactEvent(event).json();
        }),
    );
  }

  async function atRoot(root: StateRoot, users: readonly UserId[]): Promise<AtRoot> {
    const state = await store.state.events(root, [
      ["m.room.history_visibility", ""],
      ...users.map((user) => ["m.room.member", user] as const),
    ]);
    const visibility = state.get(stateTuple("m.room.history_visibility", ""))?.event;
    const membership = users.flatMap((user) => {
      const value = state.get(stateTuple("m.room.member", user))?.event.content.membership;
      return typeof value === "string" ? value : [];
    });
    return { visibility: historyVisibility(visibility), membership };
  }
}

interface AtRoot {
  readonly visibility: ReturnType<typeof historyVisibility>;
  readonly membership: string[];
}

function unknownEvent(): Error {
  return errors.notFound("There is no such event");
}
