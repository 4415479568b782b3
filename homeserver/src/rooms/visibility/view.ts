/** Queries of rooms: events, state, members, and which of them a user may see. */
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { strippedState } from "../../protocol/events/client-event.ts";
import {
  currentStateEvents,
  currentStateOfRooms,
  currentStateOfType,
} from "../../storage/rooms/events.ts";
import { sharedRooms, strippedStates, usersSharingRoom } from "../../storage/rooms/members.ts";
import { shareQuery } from "../../storage/shared-query.ts";
import type { Erasures } from "./erasures.ts";
import type { RootAt } from "./root-at.ts";
import type { Memberships } from "../records/memberships.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { Presenter } from "./presentation.ts";
import type { VisibleEvents } from "./visible-events.ts";
import type { Related } from "./related.ts";
import type { RoomStore } from "../state/store.ts";
import type { LastMemberships } from "./last-membership.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { STRIPPED_TYPES, withinLimits } from "../state/stripped-state.ts";
import { roomSummaries } from "./room-summaries.ts";
import type { Threads } from "./threads.ts";
import type { RoomView } from "../api/index.ts";

const HEROES = 5;

export interface ViewDeps {
  readonly store: RoomStore;
  readonly memberships: Memberships;
  readonly visibleEvents: VisibleEvents;
  readonly related: Related;
  readonly presenter: Presenter;
  readonly partial: PartialRooms;
  readonly threads: Threads;
  readonly erasures: Erasures;
  readonly lastMemberships: LastMemberships;
  readonly lifetimes: Pick<Lifetimes, "isOver">;
  readonly rootAt: RootAt;
}

export function createView(deps: ViewDeps): RoomView {
  const { store, memberships, presenter, partial } = deps;
  const { sql, events, registry, state } = store;

  const storedStrippedState = shareQuery(
    (asked: readonly { readonly roomNid: number; readonly userId: UserId }[]) =>
      strippedStates(sql, asked),
  );

  async function membership(roomNid: number, userId: UserId) {
    return (await memberships.ofUser(userId)).get(roomNid);
  }

  return {
    room: (roomId) => registry.byId(roomId),
    rooms: (nids) => registry.byNids(nids),
    events: (nids) => events.byNids(nids),
    peekEvents: events.peek,
    eventsById: (ids) => events.byIds(ids),

    async currentState(roomNid, selector) {
      return events.load(currentStateEvents(sql, roomNid, selector?.types, selector?.members));
    },
    async currentStateEvent(roomNid, type, stateKey) {
      const [found] = await events.load(currentStateOfRooms(sql, [roomNid], [[type, stateKey]]));
      return found;
    },
    async currentStateOfRooms(roomNids, keys) {
      if (roomNids.length === 0 || keys.length === 0) return new Map();
      const found = await events.load(currentStateOfRooms(sql, roomNids, keys));
      return Map.groupBy(found, (stored) => stored.roomNid);
    },

    async currentStateOfType(roomNids, type, limit) {
      const found = await events.load(currentStateOfType(sql, roomNids, type, limit));
      return Map.groupBy(found, (stored) => stored.roomNid);
    },

    stateAt: (root, selector) => state.all(root, selector),
    async stateEventsAt(root, keys) {
      return [...(await state.events(root, keys)).values()];
    },
    peekState: state.peek,
    stateDelta: (from, to) => state.delta(from, to),
    rootAt: (roomNid, position) => deps.rootAt({ roomNid, position }),

    async membershipsOf(userId, options) {
      const rows = [...(await memberships.ofUser(userId)).values()];
      return options?.forgotten === true ? rows : rows.filter((row) => !row.forgotten);
    },
    membership,
    endOfMembership: deps.lastMemberships.endOf,
    joinedMembers: async (roomNid) => [...(await memberships.joined(roomNid))],
    joinedOfServer: memberships.joinedOfServer,
    async joinedServers(roomNid) {
      const known = await memberships.joinedServers(roomNid);
      const namedInJoin = await partial.servers(roomNid);
      return namedInJoin.length === 0 ? [...known] : [...new Set([...known, ...namedInJoin])];
    },
    partialRooms: partial.among,
    async sharesRoom(userId, others) {
      if (others.length === 0) return new Set();
      return new Set((await usersSharingRoom(sql, userId, others)) as UserId[]);
    },
    sharedRooms: (userId, other) => sharedRooms(sql, userId, other),
    summary: (roomNid, userId) => memberships.summary(roomNid, userId, HEROES),
    summaries: (nids) => roomSummaries(store, nids),
    async strippedState(roomNid, userId) {
      const text = await storedStrippedState({ roomNid, userId });
      if (text !== null) return JSON.parse(text) as JsonObject[];
      const keys = [...STRIPPED_TYPES.map((type) => [type, ""] as const)];
      const wanted = [...keys, ["m.room.member", userId] as const];
      // Users who are invited or knocking see the room as it was then; later state is for members
      // only.
      const row = await membership(roomNid, userId);
      const own = row && (await events.one(row.eventNid));
      const found =
        own === undefined || own.stateAfter === null
          ? await events.load(currentStateOfRooms(sql, [roomNid], wanted))
          : [...(await state.events(own.stateAfter, wanted)).values()];
      return withinLimits(found.map(({ event }) => strippedState(event)));
    },

    visibleTo: deps.visibleEvents,
    isOver: deps.lifetimes.isOver,
    related: deps.related,
    stateFor: deps.erasures.state,
    threadOf: deps.threads.of,
    isInThread: (threadId, stored) => deps.threads.has(threadId, stored),
    present: presenter.present,
    presentToOthers: presenter.presentToOthers,
    presentState: presenter.presentState,
    presentToService: presenter.presentToService,
  };
}
