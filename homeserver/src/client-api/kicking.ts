import { route, type Route } from "../http/route.ts";
import { parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Putting people out of rooms. (Client-server API, "Kicking users".) */
export function kickingRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/kick
    route("kick", async ({ params, body, requester }) => {
      await rooms.members.kick({
        by: requester,
        roomId: parseRoomId(params.roomId),
        userId: parseUserId(body.user_id),
        reason: body.reason,
      });
      return {};
    }),
  ];
}
