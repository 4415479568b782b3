import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { ListedRoom, Rooms, RoomOrder } from "../rooms/api/index.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Older names of orders. */
const ALSO: Readonly<Record<string, RoomOrder>> = {
  alphabetical: "name",
  size: "joined_members",
};

/** All rooms, for administrators, by the paths that tools for Synapse use. */
export function adminRoomsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  const { lists } = rooms.administration;

  return [
    // GET /_synapse/admin/v1/rooms
    route("adminListRooms", async ({ query }) => {
      if (query.search_term === "") throw errors.invalidParam("search_term is empty");
      const page = pageOf(query);
      const orderBy = query.order_by ?? "name";
      const { rooms: some, total } = await lists.list({
        ...page,
        reversed: page.backwards,
        orderBy: ALSO[orderBy] ?? (orderBy as RoomOrder),
        searchTerm: query.search_term,
        isPublic: query.public_rooms,
        isEmpty: query.empty_rooms,
      });
      return {
        rooms: some.map(listedRoom),
        offset: page.from,
        total_rooms: total,
        next_batch: nextOf(page, some.length, total),
        prev_batch: page.from > 0 ? Math.max(page.from - page.limit, 0) : undefined,
      };
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}
    route("adminGetRoom", async ({ params }) => {
      const room = await lists.details(parseRoomId(params.roomId));
      return {
        ...listedRoom(room),
        avatar: room.avatar,
        topic: room.topic,
        joined_local_devices: room.localDevices,
        forgotten: room.isForgotten,
        tombstoned: room.tombstoned,
        replacement_room: room.replacementRoom,
      };
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}/members
    route("adminGetRoomMembers", async ({ params }) => {
      const members = await lists.joined(parseRoomId(params.roomId));
      return { members, total: members.length };
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}/state
    route("adminGetRoomState", async ({ params, query }) => {
      const state = await lists.state(parseRoomId(params.roomId), query.type);
      return raw(`{"state":[${state.join(",")}]}`);
    }),
  ];
}

/** A room in a list. */
export function listedRoom(room: ListedRoom) {
  return {
    room_id: room.roomId,
    name: room.name,
    canonical_alias: room.canonicalAlias,
    joined_members: room.joined,
    joined_local_members: room.joinedLocal,
    version: room.version,
    creator: room.creator,
    encryption: room.encryption,
    federatable: room.federatable,
    public: room.isPublic,
    join_rules: room.joinRules,
    guest_access: room.guestAccess,
    history_visibility: room.historyVisibility,
    state_events: room.stateEvents,
    room_type: room.roomType,
  };
}
