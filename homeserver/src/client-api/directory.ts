import { route, type Route } from "../http/route.ts";
import { parseRoomAlias, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { requireJoined } from "./own-room.ts";

/** Aliases. (Client-server API, "Room aliases".) */
export function directoryRoutes({ rooms }: { rooms: Rooms }): Route[] {
  const { directory } = rooms;
  return [
    // GET /_matrix/client/v3/directory/room/{roomAlias}
    route("getRoomIdByAlias", async ({ params, requester }) => {
      const alias = parseRoomAlias(params.roomAlias);
      const { roomId, servers } = await directory.resolve(alias, requester?.service?.id);
      return { room_id: roomId, servers };
    }),

    // PUT /_matrix/client/v3/directory/room/{roomAlias}
    route("setRoomAlias", async ({ params, body, requester }) => {
      const [alias, roomId] = [parseRoomAlias(params.roomAlias), parseRoomId(body.room_id)];
      // An application service names rooms of its network that none of its users is in.
      if (!requester.service) await requireJoined(rooms.view, requester.userId, roomId);
      await directory.setAlias(requester, alias, roomId);
      return {};
    }),

    // DELETE /_matrix/client/v3/directory/room/{roomAlias}
    route("deleteRoomAlias", async ({ params, requester }) => {
      await directory.deleteAlias(requester, parseRoomAlias(params.roomAlias));
      return {};
    }),

    // GET /_matrix/client/v3/rooms/{roomId}/aliases
    route("getLocalAliases", async ({ params, requester }) => ({
      aliases: await directory.aliases(requester, parseRoomId(params.roomId)),
    })),
  ];
}
