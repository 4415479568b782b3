import { queryEventFilter } from "../http/body/event-filter.ts";
import { contextReply } from "../http/reply/history.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** What stood around an event. (Client-server API, "Event Context".) */
export function eventContextRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}
    route("getEventContext", async ({ params, query, requester }) => {
      const context = await rooms.history.context(
        requester,
        parseRoomId(params.roomId),
        parseEventId(params.eventId),
        { limit: query.limit, filter: queryEventFilter(query.filter) },
      );
      return contextReply(context);
    }),
  ];
}
