import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Leaving and forgetting rooms. (Client-server API, "Leaving rooms".) */
export function leavingRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/leave
    route("leaveRoom", async ({ params, body, requester }) => {
      await rooms.members.leave({
        by: requester,
        roomId: parseRoomId(params.roomId),
        reason: body.reason,
      });
      return {};
    }),

    // POST /_matrix/client/v3/rooms/{roomId}/forget
    route("forgetRoom", async ({ params, requester }) => {
      await rooms.members.forget(requester, parseRoomId(params.roomId));
      return {};
    }),
  ];
}
