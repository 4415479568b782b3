import { route, type Route } from "../http/route.ts";
import { parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Banning people from rooms. (Client-server API, "Banning users in a room".) */
export function banningRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/ban
    route("ban", async ({ params, body, requester }) => {
      await rooms.members.ban({
        by: requester,
        roomId: parseRoomId(params.roomId),
        userId: parseUserId(body.user_id),
        reason: body.reason,
      });
      return {};
    }),

    // POST /_matrix/client/v3/rooms/{roomId}/unban
    route("unban", async ({ params, body, requester }) => {
      await rooms.members.unban({
        by: requester,
        roomId: parseRoomId(params.roomId),
        userId: parseUserId(body.user_id),
        reason: body.reason,
      });
      return {};
    }),
  ];
}
