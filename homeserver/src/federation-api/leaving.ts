import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/**
 * Users of other servers who decline an invite through this one. (Server-server API, "Leaving
 * Rooms".)
 */
export function leavingRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/federation/v1/make_leave/{roomId}/{userId}
    route("makeLeave", async ({ params, origin }) => {
      const roomId = parseRoomId(params.roomId);
      return rooms.federation.makeLeave(origin, roomId, parseUserId(params.userId));
    }),

    // PUT /_matrix/federation/v2/send_leave/{roomId}/{eventId}
    route("sendLeaveV2", async ({ params, body, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(params.eventId);
      await rooms.federation.sendLeave(origin, roomId, eventId, body);
      return {};
    }),
  ];
}
