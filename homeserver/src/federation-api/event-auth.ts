import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/**
 * The auth chain of an event, for other servers. (Server-server API, "Retrieving event
 * authorization information".)
 */
export function eventAuthRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/federation/v1/event_auth/{roomId}/{eventId}
    route("getEventAuth", async ({ params, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(params.eventId);
      const chain = await rooms.federation.eventAuth(origin, roomId, eventId);
      return raw(`{"auth_chain":[${chain.join(",")}]}`);
    }),
  ];
}
