/** The other servers of random rooms, as the tested one reaches them: honest, but not always there. */
import { MatrixError } from "../../../src/protocol/errors.ts";
import { parsePdu } from "../../../src/protocol/events/event.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Json, JsonObject } from "../../../src/protocol/json.ts";
import type { RemoteRooms } from "../../../src/federation-client/types.ts";
import type { TakeParts } from "../../../src/federation-client/reading/read-parts.ts";
import type { RandomHistory } from "../arrival/random-history.ts";
import { member } from "../arrival/random-moves.ts";
import type { Choose } from "../arrival/random-moves.ts";
import type { PlainRoom } from "./plain-room.ts";
import { nextTurn } from "../../support/wait.ts";

/** A room, and how its other servers are at the moment. */
export interface Others {
  readonly history: RandomHistory;
  readonly plain: PlainRoom;
  readonly choose: Choose;
  /** They answer, and everything that they are asked for. */
  isHelpful: boolean;
  /** They leave the members out where they may. */
  readonly omitsMembers: boolean;
}

const wire = (event: RoomEvent): JsonObject => JSON.parse(event.json()) as JsonObject;

export function createOthers(rooms: ReadonlyMap<RoomId, Others>): RemoteRooms {
  function at(roomId: RoomId): Others {
    const room = rooms.get(roomId);
    if (room === undefined) throw new MatrixError(404, "M_NOT_FOUND", "no such room");
    return room;
  }

  function roomOfEvent(eventId: EventId): Others {
    for (const room of rooms.values()) if (room.history.events.has(eventId)) return room;
    throw new MatrixError(404, "M_NOT_FOUND", "no such event");
  }

  /** One time in n they do not answer. */
  async function mayFail(room: Others, n: number): Promise<void> {
    await nextTurn();
    if (room.isHelpful || room.choose(n) > 0) return;
    throw new MatrixError(502, "M_UNKNOWN", "nobody answers");
  }

  function state({ history, plain }: Others, eventId: EventId) {
    const ids = [...plain.of(eventId).before.values()];
    const events = (of: readonly EventId[]) => of.map((id) => wire(history.events.get(id)!));
    const chain = plain.authChain(ids);
    return { ids, chain, pdus: events(ids), authChain: events(chain) };
  }

  async function tellState(roomId: RoomId, eventId: EventId, take: TakeParts): Promise<void> {
    const room = at(roomId);
    await mayFail(room, 4);
    const { pdus, authChain } = state(room, eventId);
    await takeAll(take, "auth_chain", authChain);
    await takeAll(take, "pdus", pdus);
  }

  /** Events before some, the nearest first. */
  function before(
    { history }: Others,
    from: readonly EventId[],
    without: ReadonlySet<EventId>,
    limit: number,
  ): RoomEvent[] {
    const found = new Set<EventId>();
    for (const id of from) {
      for (const prev of history.events.get(id)?.prevEventIds ?? []) found.add(prev);
    }
    const events: RoomEvent[] = [];
    for (const id of found) {
      if (events.length >= limit) break;
      if (without.has(id)) continue;
      const event = history.events.get(id)!;
      events.push(event);
      for (const prev of event.prevEventIds) found.add(prev);
    }
    return events;
  }

  const refuse = async (): Promise<never> => {
    throw new MatrixError(404, "M_UNRECOGNIZED", "not here");
  };

  return {
    async makeJoin(_server, roomId, userId) {
      const { history } = at(roomId);
      const event = wire(await history.template(member(userId, userId, "join")));
      return { room_version: history.version.id, event };
    },
    async sendJoin(_server, { roomId, pdu, omitMembers }, take) {
      const room = at(roomId);
      const event = parsePdu(pdu, room.history.version);
      room.history.add(event);
      const { pdus, authChain } = state(room, event.eventId);
      const isLeftOut = omitMembers && room.omitsMembers;
      const told = pdus.filter(({ type }) => !isLeftOut || type !== "m.room.member");
      const servers = room.history.peers.map(({ server }) => server.name);
      await take([
        { key: "event", value: wire(event) },
        { key: "members_omitted", value: isLeftOut },
        { key: "servers_in_room", value: servers },
      ]);
      const chain = isLeftOut ? chainOf(room, event, told) : authChain;
      await takeAll(take, "auth_chain", chain);
      await takeAll(take, "state", told);
    },
    async event(_server, eventId) {
      const room = roomOfEvent(eventId);
      await mayFail(room, 6);
      return { pdus: [wire(room.history.events.get(eventId)!)] };
    },
    async stateIds(_server, roomId, eventId) {
      const room = at(roomId);
      await mayFail(room, 6);
      const { ids, chain } = state(room, eventId);
      return { pdu_ids: ids, auth_chain_ids: chain };
    },
    state: (_server, roomId, eventId, take) => tellState(roomId, eventId, take),
    joinedState: (_server, roomId, eventId, take) => tellState(roomId, eventId, take),
    async eventAuth(_server, roomId, eventId) {
      const room = at(roomId);
      await mayFail(room, 6);
      const chain = room.plain.authChain([eventId]);
      return { auth_chain: chain.map((id) => wire(room.history.events.get(id)!)) };
    },
    async missingEvents(_server, roomId, body) {
      const room = at(roomId);
      await mayFail(room, 4);
      const limit = room.isHelpful ? body.limit : room.choose(5);
      const known = new Set(body.earliest_events);
      const found = before(room, body.latest_events, known, limit);
      return { events: found.toReversed().map(wire) };
    },
    async backfill(_server, roomId, from, limit) {
      const room = at(roomId);
      await mayFail(room, 4);
      const first = from.flatMap((id) => room.history.events.get(id) ?? []);
      const most = room.isHelpful ? limit : Math.min(limit, 1 + room.choose(6));
      const found = [...first, ...before(room, from, new Set(from), most)].slice(0, most);
      return { pdus: found.map(wire) };
    },
    timestampToEvent: refuse,
    makeLeave: refuse,
    sendLeave: refuse,
    makeKnock: refuse,
    sendKnock: refuse,
    invite: refuse,
    signByPolicy: refuse,
    directory: refuse,
  };
}

/** Without the members that were left out, but for those that authorise what is told, and the join. */
function chainOf(room: Others, join: RoomEvent, told: readonly JsonObject[]): JsonObject[] {
  const { history, plain } = room;
  const texts = new Set(told.map((pdu) => JSON.stringify(pdu)));
  const ids = [...history.events.values()]
    .filter((event) => texts.has(JSON.stringify(wire(event))))
    .map(({ eventId }) => eventId);
  const chain = new Set([...join.authEventIds, ...plain.authChain([...ids, join.eventId])]);
  return [...chain].map((id) => wire(history.events.get(id)!));
}

async function takeAll(take: TakeParts, key: string, items: readonly Json[]): Promise<void> {
  await take(items.map((value) => ({ key, value })));
}
