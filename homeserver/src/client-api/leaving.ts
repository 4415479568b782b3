import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/types.ts";
import type { Sync } from "../sync/index.ts";

/** Leaving and forgetting rooms. (Client-server API, "Leaving rooms".) */
export function leavingRoutes({ rooms, sync }: { rooms: Rooms; sync: Sync }): Route[] {
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
      const roomId = parseRoomId(params.roomId);
      await rooms.members.forget(requester, roomId);
      await sync.forgotten(requester.userId, roomId);
      return {};
    }),
  ];
}
