import { delayIn } from "./delayed-events.ts";
import { stickyIn } from "./sticky.ts";
import type { DelayedEvents } from "../delayed-events/index.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Sending message events. (Client-server API, "Sending events to a room".) */
export function roomSendRoutes({
  rooms,
  delayedEvents,
}: {
  readonly rooms: Rooms;
  readonly delayedEvents: DelayedEvents;
}): Route[] {
  return [
    // PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}
    route("sendMessage", async ({ params, query, body, requester }) => {
      const isSuspended = requester.restriction === "suspended";
      // What they have sent, suspended users may take back.
      if (isSuspended && params.eventType !== "m.room.redaction") throw errors.userSuspended();
      const message = {
        by: requester,
        roomId: parseRoomId(params.roomId),
        type: params.eventType,
        content: body,
        txnId: params.txnId,
        originServerTs: requester.service && query.ts,
        stickyMs: stickyIn(query),
      };
      const delayMs = delayIn(query);
      if (delayMs === undefined) return { event_id: await rooms.send.message(message) };
      return { delay_id: await delayedEvents.schedule({ ...message, delayMs }) };
    }),
  ];
}
