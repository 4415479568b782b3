import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { listedRoom } from "./rooms.ts";
import { nextOf, pageOf } from "./pages.ts";

/** Rooms by their status, and with what they take up; opening and closing them. */
export function roomStatusRoutes({ rooms }: { rooms: Rooms }): Route[] {
  const { lists, statuses } = rooms.administration;

  return [
    // GET /_weft/admin/rooms
    route("listRooms", async ({ query }) => {
      const page = pageOf(query);
      const { rooms: some, total } = await lists.list({
        ...page,
        reversed: page.backwards,
        orderBy: query.order_by ?? "name",
        ...{ searchTerm: query.search_term || undefined, status: query.status },
        ...{ isPublic: query.public_rooms, isEmpty: query.empty_rooms },
        ...{ isEncrypted: query.encrypted, version: query.version },
      });
      const listed = some.map((room) => ({
        ...listedRoom(room),
        topic: room.topic ?? undefined,
        avatar_url: room.avatar ?? undefined,
        status: room.status,
        last_activity_ts: room.lastActivityTs ?? undefined,
        timeline_events: room.events,
        event_bytes: room.eventBytes,
        media_bytes: room.mediaBytes,
      }));
      return { rooms: listed, total, next_batch: nextOf(page, some.length, total) };
    }),

    // GET /_weft/admin/rooms/{roomId}/status
    route("getRoomStatus", async ({ params }) => {
      const { status, by, closedTs, reason } = await statuses.of(parseRoomId(params.roomId));
      return { status, by, closed_ts: closedTs, reason: reason ?? undefined };
    }),

    // PUT /_weft/admin/rooms/{roomId}/status
    route("setRoomStatus", async ({ params, body, requester }) => {
      const { status, reason } = body;
      const roomId = parseRoomId(params.roomId);
      const { deleteId } = await statuses.set(requester.userId, roomId, { status, reason });
      return { delete_id: deleteId };
    }),
  ];
}
