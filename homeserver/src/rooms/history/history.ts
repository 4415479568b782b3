/** Reading a room: timeline, single events, state, members, relations. */
import { errors } from "../../protocol/errors.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Access } from "../visibility/access.ts";
import { createByTime } from "./by-time.ts";
import type { ByTimeDeps } from "./by-time.ts";
import { createMessages } from "./messages.ts";
import type { MessagesDeps } from "./messages.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import { createRelations } from "./relations.ts";
import type { RelationsDeps } from "./relations.ts";
import { comparePlaces } from "../visibility/tokens.ts";
import type { RoomHistory, StateSelector, StoredEvent, TimelinePlace } from "../api/index.ts";

/** A room's creator joins among its first events. */
const LOOKED_AT = 10;

export type HistoryDeps = MessagesDeps &
  RelationsDeps &
  ByTimeDeps & { readonly partial: Pick<PartialRooms, "whole"> };

export function createHistory(deps: HistoryDeps): RoomHistory {
  const { view, timelines, access } = deps;

  function stateOf(found: Access, selector?: StateSelector): Promise<StoredEvent[]> {
    if (found.state === "now") return view.currentState(found.room.nid, selector);
    return view.stateAt(found.state.root, selector);
  }

  /** Waits until the room's members are known. */
  async function whole(userId: UserId, roomId: RoomId): Promise<Access> {
    const found = await access.of(userId, roomId);
    await deps.partial.whole(found.room.nid);
    return access.of(userId, roomId);
  }

  return {
    ...createMessages(deps),
    ...createRelations(deps),
    ...createByTime(deps),
    timeline: (roomNid, { before, after, limit }) =>
      before === undefined && after !== undefined
        ? timelines.forwards(roomNid, after, undefined, limit)
        : timelines.backwards(roomNid, before, after, limit),
    recent: timelines.recent,

    async event(reader, roomId, eventId) {
      const stored = await access.event(reader.userId, roomId, eventId);
      const [text] = await view.present(await deps.withoutIgnored(reader.userId, [stored]), reader);
      if (text === undefined) throw errors.notFound("There is no such event that you may see");
      return text;
    },
    visibleEvent: access.event,

    async state(userId, roomId) {
      return [...(await view.stateFor(userId, await stateOf(await whole(userId, roomId))))];
    },
    async stateEvent(userId, roomId, type, stateKey) {
      const { room, state } = await access.of(userId, roomId);
      const found =
        state === "now"
          ? await view.currentStateEvent(room.nid, type, stateKey)
          : (await view.stateEventsAt(state.root, [[type, stateKey]]))[0];
      if (found === undefined) throw errors.notFound("The room has no such state");
      const [shown] = await view.stateFor(userId, [found]);
      return shown!;
    },
    async members(userId, roomId, query) {
      const found = await whole(userId, roomId);
      const events = await membersOf(userId, found, query.at);
      return (await view.stateFor(userId, events)).filter(({ event }) => {
        const { membership } = event.content;
        if (query.membership !== undefined && membership !== query.membership) return false;
        return query.notMembership === undefined || membership !== query.notMembership;
      });
    },
    async joinedMembers(userId, roomId) {
      const room = await requireJoined(userId, roomId);
      await deps.partial.whole(room.nid);
      const events = await view.currentState(room.nid, { types: ["m.room.member"] });
      const joined = events.filter(({ event }) => event.content.membership === "join");
      return new Map(
        joined.map(({ event }) => [event.stateKey as UserId, profileIn(event.content)]),
      );
    },
    async joinedRooms(userId) {
      const rows = await view.membershipsOf(userId);
      const joined = rows.filter((row) => row.membership === "join");
      const rooms = await view.rooms(joined.map((row) => row.roomNid));
      return [...rooms.values()].map((room) => room.roomId);
    },
  };

  /**
   * The member list at a place in the timeline is available only to users who may see the event
   * there.
   */
  async function membersOf(
    userId: UserId,
    found: Access,
    at: string | undefined,
  ): Promise<StoredEvent[]> {
    const selector = { types: ["m.room.member"] };
    const place = await deps.placeIn(found.room, at);
    if (place === undefined) return stateOf(found, selector);
    // A user who left sees nothing later, whatever place they name.
    const { until } = found;
    if (until !== undefined && comparePlaces(place, until) >= 0) return stateOf(found, selector);
    const last = await lastBefore(found.room.nid, place);
    if ((await view.visibleTo(userId, [last])).length === 0) {
      throw errors.forbidden("You may not see the room as it was then");
    }
    return view.stateAt(last.roomState ?? last.stateAfter, selector);
  }

  /**
   * The last event at a place. For a place before all known events, the first one at which somebody
   * has joined.
   */
  async function lastBefore(roomNid: number, place: TimelinePlace): Promise<StoredEvent> {
    const [last] = (await timelines.backwards(roomNid, place, undefined, 1)).events;
    if (last !== undefined) return last;
    const { events } = await timelines.forwards(roomNid, place, undefined, LOOKED_AT);
    const first = events.find(({ event }) => event.content.membership === "join") ?? events[0];
    if (first === undefined) throw errors.notFound("The room is not known as of that token");
    return first;
  }

  async function requireJoined(userId: UserId, roomId: RoomId) {
    const room = await view.room(roomId);
    const row = room && (await view.membership(room.nid, userId));
    if (room === undefined || row?.membership !== "join") {
      throw errors.forbidden("You are not in that room");
    }
    return room;
  }
}

function profileIn(content: JsonObject): JsonObject {
  const { displayname, avatar_url } = content;
  return {
    display_name: typeof displayname === "string" ? displayname : null,
    avatar_url: typeof avatar_url === "string" ? avatar_url : null,
  };
}
