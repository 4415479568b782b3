import { route, type Route } from "../http/route.ts";
import type { Edus } from "../edus/index.ts";
import { errors } from "../protocol/errors.ts";
import { isEventId, parseEventId, parseRoomId } from "../protocol/identifiers.ts";

const TYPES: ReadonlySet<string> = new Set(["m.read", "m.read.private", "m.fully_read"]);

/** Receipts, one at a time. (Client-server API, "Receipts".) */
export function receiptsRoutes({ edus }: { edus: Edus }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}
    route("postReceipt", async ({ params, body, requester }) => {
      const { receiptType } = params;
      const threadId = body.thread_id;
      if (!TYPES.has(receiptType)) throw errors.invalidParam("No such type of receipt");
      if (threadId !== undefined && threadId !== "main" && !isEventId(threadId)) {
        throw errors.invalidParam("thread_id is neither main nor the root of a thread");
      }
      if (threadId !== undefined && receiptType === "m.fully_read") {
        throw errors.invalidParam("The fully-read marker has no threads");
      }
      await edus.receipts.set({
        userId: requester.userId,
        roomId: parseRoomId(params.roomId),
        type: receiptType,
        eventId: parseEventId(params.eventId),
        threadId: threadId ?? "",
      });
      return {};
    }),
  ];
}
