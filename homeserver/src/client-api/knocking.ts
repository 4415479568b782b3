import { route, type Route } from "../http/route.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { parseRoomIdOrAlias, parseVia } from "./room-target.ts";

/** Asking to be let in. (Client-server API, "Knocking on rooms".) */
export function knockingRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/knock/{roomIdOrAlias}
    route("knockRoom", async ({ params, query, body, requester }) => {
      const room = parseRoomIdOrAlias(params.roomIdOrAlias);
      const { reason } = body;
      const roomId = await rooms.members.knock({
        ...{ by: requester, room, via: parseVia(query), reason },
      });
      return { room_id: roomId };
    }),
  ];
}
