import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Setting state. (Client-server API, "Sending events to a room".) */
export function roomStateRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}
    route("setRoomStateWithKey", async ({ params, query, body, requester }) => ({
      event_id: await rooms.send.state({
        by: requester,
        roomId: parseRoomId(params.roomId),
        type: params.eventType,
        stateKey: params.stateKey,
        content: body,
        originServerTs: requester.service && query.ts,
      }),
    })),
  ];
}
