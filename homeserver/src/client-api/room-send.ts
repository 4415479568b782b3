import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Sending message events. (Client-server API, "Sending events to a room".) */
export function roomSendRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}
    route("sendMessage", async ({ params, body, requester }) => ({
      event_id: await rooms.send.message({
        by: requester,
        roomId: parseRoomId(params.roomId),
        type: params.eventType,
        content: body,
        txnId: params.txnId,
      }),
    })),
  ];
}
