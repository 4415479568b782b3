import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { queryEventFilter } from "./event-filter.ts";

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
      const { start, end } = context;
      return raw(
        `{"event":${context.event},"events_before":[${context.events_before.join(",")}],` +
          `"events_after":[${context.events_after.join(",")}],"state":[${context.state.join(",")}],` +
          `"start":${JSON.stringify(start)},"end":${JSON.stringify(end)}}`,
      );
    }),
  ];
}
