import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Moving a room to another version. (Client-server API, "Room Upgrades".) */
export function roomUpgradesRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/upgrade
    route("upgradeRoom", async ({ params, body, requester }) => {
      const { new_version: version, additional_creators: creators } = body;
      const roomId = parseRoomId(params.roomId);
      return { replacement_room: await rooms.create.upgrade(requester, roomId, version, creators) };
    }),
  ];
}
