import { delayIn } from "./delayed-events.ts";
import { stickyIn } from "./sticky.ts";
import type { DelayedEvents } from "../delayed-events/index.ts";
import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Setting state. (Client-server API, "Sending events to a room".) */
export function roomStateRoutes({
  rooms,
  delayedEvents,
}: {
  readonly rooms: Rooms;
  readonly delayedEvents: DelayedEvents;
}): Route[] {
  return [
    // PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}
    route("setRoomStateWithKey", async ({ params, query, body, requester }) => {
      const message = {
        by: requester,
        roomId: parseRoomId(params.roomId),
        type: params.eventType,
        stateKey: params.stateKey,
        content: body,
        originServerTs: requester.service && query.ts,
        stickyMs: stickyIn(query),
      };
      const delayMs = delayIn(query);
      if (delayMs === undefined) return { event_id: await rooms.send.state(message) };
      return { delay_id: await delayedEvents.schedule({ ...message, delayMs }) };
    }),
  ];
}
