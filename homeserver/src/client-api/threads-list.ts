import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { eventsPage } from "./events-page.ts";

/** The threads of a room. (Client-server API, "Threading".) */
export function threadsListRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/client/v1/rooms/{roomId}/threads
    route("getThreadRoots", async ({ params, query, requester }) => {
      const roomId = parseRoomId(params.roomId);
      const { chunk, ...page } = await rooms.history.threads(requester, roomId, query);
      return raw(eventsPage(chunk, page));
    }),
  ];
}
