import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Inviting people by user id. (Client-server API, "Inviting users".) */
export function invitingRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/invite
    route("inviteUser", async ({ params, body, requester }) => {
      if (body.user_id === undefined) {
        throw errors.missingParam("user_id is missing; this server has no identity server");
      }
      await rooms.members.invite({
        by: requester,
        roomId: parseRoomId(params.roomId),
        userId: parseUserId(body.user_id),
        reason: body.reason,
      });
      return {};
    }),
  ];
}
