import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Users } from "../users/users.ts";
import { requireOwnRoom } from "./own-room.ts";
import { ownUserId } from "./own-user.ts";

export function tagsRoutes(deps: { users: Users; rooms: Pick<Rooms, "view"> }): Route[] {
  const { view } = deps.rooms;
  const { tags } = deps.users;
  return [
    // GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags
    route("getRoomTags", async ({ requester, params }) => ({
      tags: await tags.list(ownUserId(requester, params.userId), parseRoomId(params.roomId)),
    })),

    // PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}
    route("setRoomTag", async ({ requester, params, body }) => {
      const userId = ownUserId(requester, params.userId);
      const roomId = await requireOwnRoom(view, userId, parseRoomId(params.roomId));
      return await tags.set(userId, roomId, params.tag, body);
    }),

    // DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}
    route("deleteRoomTag", ({ requester, params }) => {
      const userId = ownUserId(requester, params.userId);
      return tags.remove(userId, parseRoomId(params.roomId), params.tag);
    }),
  ];
}
