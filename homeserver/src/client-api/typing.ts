import { route, type Route } from "../http/route.ts";
import type { Edus } from "../edus/index.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import { ownUserId } from "./own-user.ts";

/** Saying that one types. (Client-server API, "Typing Notifications".) */
export function typingRoutes({ edus }: { edus: Edus }): Route[] {
  return [
    // PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}
    route("setTyping", async ({ params, body, requester }) => {
      const userId = ownUserId(requester, params.userId);
      const roomId = parseRoomId(params.roomId);
      if (requester.isShadowBanned !== true) {
        await edus.typing.set(userId, roomId, body.typing, body.timeout);
      }
      return {};
    }),
  ];
}
