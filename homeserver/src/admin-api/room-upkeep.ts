import { route, type Route } from "../http/route.ts";
import { isRoomId, parseRoomAlias, type RoomAlias, type RoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** What keeps rooms in shape, by the paths that tools for Synapse use. */
export function roomUpkeepRoutes({ rooms }: { rooms: Rooms }): Route[] {
  const { administration, directory } = rooms;

  async function roomOf(given: string): Promise<RoomId> {
    const room: RoomId | RoomAlias = isRoomId(given) ? given : parseRoomAlias(given);
    return isRoomId(room) ? room : (await directory.resolve(room)).roomId;
  }

  return [
    // GET /_synapse/admin/v1/rooms/{roomIdOrAlias}/forward_extremities
    route("getForwardExtremities", async ({ params }) => {
      const roomId = await roomOf(params.roomIdOrAlias);
      const found = await administration.lists.extremities(roomId);
      const results = found.map(({ eventId, depth, ts }) => ({
        ...{ event_id: eventId, state_group: null, depth, received_ts: ts },
      }));
      return { count: results.length, results };
    }),

    // DELETE /_synapse/admin/v1/rooms/{roomIdOrAlias}/forward_extremities
    route("deleteForwardExtremities", async ({ params }) => ({
      deleted: await administration.dropExtremities(await roomOf(params.roomIdOrAlias)),
    })),
  ];
}
