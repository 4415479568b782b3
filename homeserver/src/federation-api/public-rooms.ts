import { route, type Route } from "../http/route.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** This server's directory for others. (Server-server API, "Published Room Directory".) */
export function publicRoomsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/federation/v1/publicRooms
    route("federationGetPublicRooms", ({ query }) =>
      rooms.directory.publicRooms({ limit: query.limit, since: query.since }),
    ),

    // POST /_matrix/federation/v1/publicRooms
    route("federationQueryPublicRooms", ({ body }) =>
      rooms.directory.publicRooms({
        limit: body.limit,
        since: body.since ?? undefined,
        searchTerm: body.filter?.generic_search_term ?? undefined,
        roomTypes: body.filter?.room_types ?? undefined,
      }),
    ),
  ];
}
