import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { ServerNotices } from "../server-notices/index.ts";

export interface LeavingDeps {
  readonly rooms: Rooms;
  readonly notices: Pick<ServerNotices, "ensureMayLeave">;
}

/** Leaving and forgetting rooms. (Client-server API, "Leaving rooms".) */
export function leavingRoutes({ rooms, notices }: LeavingDeps): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/leave
    route("leaveRoom", async ({ params, body, requester }) => {
      const roomId = parseRoomId(params.roomId);
      await notices.ensureMayLeave(requester.userId, roomId);
      await rooms.members.leave({ by: requester, roomId, reason: body.reason });
      return {};
    }),

    // POST /_matrix/client/v3/rooms/{roomId}/forget
    route("forgetRoom", async ({ params, requester }) => {
      await rooms.members.forget(requester, parseRoomId(params.roomId));
      return {};
    }),
  ];
}
