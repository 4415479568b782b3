import { route, type Route } from "../http/route.ts";
import type { Edus, ReceiptType } from "../edus/index.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";

/** The keys of a request, in the order in which they are applied. */
const TYPES: readonly ReceiptType[] = ["m.read", "m.read.private", "m.fully_read"];

/** Several markers at once. (Client-server API, "Read and unread markers".) */
export function readMarkersRoutes({ edus }: { edus: Edus }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/read_markers
    route("setReadMarker", async ({ params, body, requester }) => {
      const roomId = parseRoomId(params.roomId);
      for (const type of TYPES) {
        const eventId = body[type];
        if (eventId === undefined) continue;
        const { userId } = requester;
        const event = parseEventId(eventId);
        await edus.receipts.set({ userId, roomId, type, eventId: event, threadId: "" });
      }
      return {};
    }),
  ];
}
