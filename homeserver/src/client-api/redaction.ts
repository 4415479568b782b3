import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Removing what was said. (Client-server API, "Redactions".) */
export function redactionRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}
    route("redactEvent", async ({ params, body, requester }) => ({
      event_id: await rooms.send.redact({
        by: requester,
        roomId: parseRoomId(params.roomId),
        eventId: parseEventId(params.eventId),
        reason: body.reason,
        withRelTypes: body.with_rel_types ?? body["org.matrix.msc3912.with_relations"],
        txnId: params.txnId,
      }),
    })),
  ];
}
