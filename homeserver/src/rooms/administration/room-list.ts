/** Lists of all rooms, and what is told of one. */
import { errors } from "../../protocol/errors.ts";
import type { PowerLevels } from "../../protocol/events/power-levels.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../../protocol/json.ts";
import {
  countLocalDevices,
  extremitiesOf,
  isForgottenHere,
  type ListedRoom,
  listRooms,
  roomById,
} from "../../storage/administration/room-list.ts";
import { joinedUserIds, listMembers } from "../../storage/administration/room-members.ts";
import { describeRooms, staleRooms } from "../../storage/administration/room-stats.ts";
import type { ListedMember, RoomLists } from "../api/administration.ts";
import type { RoomView } from "../api/index.ts";
import { descriptionOf } from "./description.ts";
import { createLocalPowers, type LocalPowersDeps } from "./local-powers.ts";

/** Rooms that are described together. */
const STEP = 250;
/** Of those that are out of date, how many are described before a list is shown. */
const MAX_STEPS = 80;

export interface RoomListsDeps extends LocalPowersDeps {
  readonly view: Pick<
    RoomView,
    "currentState" | "currentStateEvent" | "presentState" | "eventsById" | "room" | "rooms"
  >;
}

export function createRoomLists(deps: RoomListsDeps): RoomLists {
  const { sql, view } = deps;
  const powersIn = createLocalPowers(deps);

  /** Tells anew what the state says where it has changed since somebody asked. */
  async function refresh(): Promise<void> {
    for (let step = 0; step < MAX_STEPS; step++) {
      const stale = await staleRooms(sql, STEP);
      if (stale.length === 0) return;
      const rooms = stale.map((room) => ({ ...room, ...descriptionOf(room.state) }));
      // Those that somebody writes to right now stay as they were told before.
      if ((await describeRooms(sql, rooms)) < stale.length && stale.length < STEP) return;
    }
  }

  async function known(roomId: RoomId): Promise<ListedRoom> {
    const room = await roomById(sql, roomId);
    if (room === undefined) throw errors.notFound("This server does not know that room");
    return room;
  }

  return {
    refresh,
    async list(query) {
      await refresh();
      return listRooms(sql, query);
    },
    async details(roomId) {
      await refresh();
      const room = await known(roomId);
      const [localDevices, isForgotten] = await Promise.all([
        countLocalDevices(sql, room.roomNid),
        isForgottenHere(sql, room.roomNid),
      ]);
      return { ...room, localDevices, isForgotten };
    },
    async joined(roomId) {
      return (await joinedUserIds(sql, (await known(roomId)).roomNid)) as UserId[];
    },
    async members(roomId, query) {
      const { roomNid } = await known(roomId);
      const { levels } = await powersIn(roomId);
      const named = new Map(levels.named().map((id) => [id, levels.userLevel(id)]));
      const { members, total } = await listMembers(sql, roomNid, query, named);
      return { members: members.map((row) => memberOf(row, levels)), total };
    },
    async state(roomId, type) {
      const { roomNid } = await known(roomId);
      const selector = type === undefined || type === "" ? {} : { types: [type] };
      return view.presentState(await view.currentState(roomNid, selector));
    },
    extremities: async (roomId) => extremitiesOf(sql, (await known(roomId)).roomNid),
    async pdu(eventId) {
      const stored = (await view.eventsById([eventId])).get(eventId);
      if (stored === undefined) return undefined;
      const room = (await view.rooms([stored.roomNid])).get(stored.roomNid);
      const ids = { event_id: eventId, ...(room && { room_id: room.roomId }) };
      return { ...stored.event.pdu, ...ids };
    },
  };
}

function memberOf(
  { userId, membership, json }: { userId: string; membership: string; json: string },
  levels: PowerLevels,
): ListedMember {
  const { content } = JSON.parse(json) as JsonObject;
  const { displayname: name, avatar_url: avatar } = isJsonObject(content) ? content : {};
  const level = levels.userLevel(userId);
  return {
    userId: userId as UserId,
    membership,
    displayName: typeof name === "string" ? name : undefined,
    avatarUrl: typeof avatar === "string" ? avatar : undefined,
    level: Number.isFinite(level) ? level : null,
  };
}
