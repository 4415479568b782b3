import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Jumping to a date. (Client-server API, "Getting events for a room".) */
export function roomEventByTimestampRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event
    route("getEventByTimestamp", async ({ params, query, requester }) => {
      const roomId = parseRoomId(params.roomId);
      const found = await rooms.history.closestTo(requester, roomId, query);
      return { event_id: found.eventId, origin_server_ts: found.originServerTs };
    }),
  ];
}
