import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { queryEventFilter } from "./event-filter.ts";

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
      const end = page.end === undefined ? "" : `,"end":${JSON.stringify(page.end)}`;
      const state = page.state.length === 0 ? "" : `,"state":[${page.state.join(",")}]`;
      const start = JSON.stringify(page.start);
      return raw(`{"start":${start}${end},"chunk":[${page.chunk.join(",")}]${state}}`);
    }),
  ];
}
