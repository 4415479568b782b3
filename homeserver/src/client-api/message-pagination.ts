import { queryEventFilter } from "../http/body/event-filter.ts";
import { messagesReply } from "../http/reply/history.ts";
import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Reading a room's history. (Client-server API, "Getting events for a room".) */
export function messagePaginationRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/client/v3/rooms/{roomId}/messages
    route("getRoomEvents", async ({ params, query, requester }) => {
      const page = await rooms.history.messages(requester, parseRoomId(params.roomId), {
        from: query.from,
        to: query.to,
        dir: query.dir ?? "f",
        limit: query.limit,
        filter: queryEventFilter(query.filter),
      });
      return messagesReply(page);
    }),
  ];
}
