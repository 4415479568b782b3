import { route, type Route } from "../http/route.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Which rooms the user is in. (Client-server API, "Room membership".) */
export function listJoinedRoomsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/client/v3/joined_rooms
    route("getJoinedRooms", async ({ requester }) => ({
      joined_rooms: await rooms.history.joinedRooms(requester.userId),
    })),
  ];
}
