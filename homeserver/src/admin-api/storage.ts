import { route, type Route } from "../http/route.ts";
import type { StorageOversight } from "../oversight/storage.ts";
import { parseRoomId } from "../protocol/identifiers.ts";

/** What takes how much room. */
export function storageRoutes({
  storageOversight: storage,
}: {
  storageOversight: StorageOversight;
}): Route[] {
  return [
    // GET /_weft/admin/storage
    route("getStorage", async () => {
      const { databaseBytes, tables, media } = await storage.all();
      return {
        database_bytes: databaseBytes,
        tables,
        media: {
          uploads: { count: media.uploads, bytes: media.uploadBytes },
          copies: { count: media.copies, bytes: media.copyBytes },
          thumbnails: { count: media.thumbnails, bytes: media.thumbnailBytes },
        },
      };
    }),

    // GET /_weft/admin/rooms/{roomId}/storage
    route("getRoomStorage", async ({ params }) => {
      const size = await storage.ofRoom(parseRoomId(params.roomId));
      return {
        events: { count: size.events, bytes: size.eventBytes },
        uploads: { count: size.uploads, bytes: size.uploadBytes },
        copies: { count: size.copies, bytes: size.copyBytes },
      };
    }),

    // GET /_synapse/admin/v1/statistics/database/rooms
    route("getLargestRooms", async () => ({
      rooms: (await storage.largestRooms()).map(({ roomId, bytes }) => ({
        room_id: roomId,
        estimated_size: bytes,
      })),
    })),
  ];
}
