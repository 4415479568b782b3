import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import {
  isRoomId,
  parseRoomAlias,
  parseRoomId,
  parseServerName,
  parseUserId,
  type RoomAlias,
  type RoomId,
} from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Users } from "../users/users.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Who is in rooms, and with what power; what administrators change of it. */
export function roomMembersRoutes({ rooms, users }: { rooms: Rooms; users: Users }): Route[] {
  const { actions, lists } = rooms.administration;

  return [
    // POST /_synapse/admin/v1/join/{roomIdOrAlias}
    route("adminJoinRoom", async ({ params, query, body }) => {
      const userId = parseUserId(body.user_id);
      if (!users.accounts.isLocal(userId)) {
        throw errors.unknown("Only users of this server can be made to join", 400);
      }
      if (!(await users.accounts.exists(userId))) throw errors.notFound("No such user");
      const via = [...(query.server_name ?? []), ...(query.via ?? [])].map(parseServerName);
      const room = roomOf(params.roomIdOrAlias);
      return { room_id: await actions.join({ userId, room, via }) };
    }),

    // POST /_synapse/admin/v1/rooms/{roomIdOrAlias}/make_room_admin
    route("makeRoomAdmin", async ({ params, body, requester }) => {
      const userId = body.user_id === undefined ? requester.userId : parseUserId(body.user_id);
      await actions.makeAdmin(roomOf(params.roomIdOrAlias), userId);
    }),

    // GET /_weft/admin/rooms/{roomId}/members
    route("listRoomMembers", async ({ params, query }) => {
      const page = pageOf(query);
      const { members, total } = await lists.members(parseRoomId(params.roomId), {
        ...page,
        ...{ membership: query.membership ?? "join" },
        ...{ searchTerm: query.search_term, isLocal: query.local },
      });
      return {
        members: members.map((one) => ({
          user_id: one.userId,
          membership: one.membership,
          display_name: one.displayName,
          avatar_url: one.avatarUrl,
          power_level: one.level,
          is_creator: one.level === null,
          is_local: users.accounts.isLocal(one.userId),
        })),
        total,
        next_batch: nextOf(page, members.length, total),
      };
    }),

    // PUT /_weft/admin/rooms/{roomId}/members/{userId}
    route("setRoomMemberPower", async ({ params, body }) => {
      const [roomId, userId] = [parseRoomId(params.roomId), parseUserId(params.userId)];
      await actions.setLevel({ roomId, userId, level: body.power_level });
    }),

    // POST /_weft/admin/rooms/{roomId}/members/{userId}/remove
    route("removeRoomMember", async ({ params, body: { reason, ban } }) => {
      const [roomId, userId] = [parseRoomId(params.roomId), parseUserId(params.userId)];
      await actions.remove({ roomId, userId, ban, reason });
    }),
  ];
}

/** @throws MatrixError M_INVALID_PARAM 400 */
function roomOf(given: string): RoomId | RoomAlias {
  return isRoomId(given) ? given : parseRoomAlias(given);
}
