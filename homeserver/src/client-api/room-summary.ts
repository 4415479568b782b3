import { route, type Route } from "../http/route.ts";
import type { Spaces } from "../spaces/index.ts";
import { parseRoomIdOrAlias, parseVia } from "./room-target.ts";

/** What may be known of a room from outside. (Client-server API, "Room previews".) */
export function roomSummaryRoutes({ spaces }: { spaces: Spaces }): Route[] {
  return [
    // GET /_matrix/client/v1/room_summary/{roomIdOrAlias}
    route("getRoomSummary", ({ params, query, requester }) =>
      spaces.summary(requester?.userId, parseRoomIdOrAlias(params.roomIdOrAlias), parseVia(query)),
    ),
  ];
}
