import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/**
 * Users of other servers who knock through this one. (Server-server API, "Knocking upon a room".)
 */
export function knocksRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/federation/v1/make_knock/{roomId}/{userId}
    route("makeKnock", async ({ params, query, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const userId = parseUserId(params.userId);
      return rooms.federation.makeKnock(origin, roomId, userId, query.ver ?? []);
    }),

    // PUT /_matrix/federation/v1/send_knock/{roomId}/{eventId}
    route("sendKnock", async ({ params, body, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(params.eventId);
      return rooms.federation.sendKnock(origin, roomId, eventId, body);
    }),
  ];
}
