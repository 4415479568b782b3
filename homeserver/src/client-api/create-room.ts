import { route, type Route } from "../http/route.ts";
import type { CreateRoomOptions, Rooms } from "../rooms/api/index.ts";

/** Making rooms. (Client-server API, "Creation".) */
export function createRoomRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/createRoom
    route("createRoom", async ({ body, requester }) => ({
      room_id: await rooms.create.room(requester, body as CreateRoomOptions),
    })),
  ];
}
