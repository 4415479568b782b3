import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import {
  parseEventId,
  parseRoomId,
  parseUserId,
  type RoomId,
  type UserId,
} from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Users } from "../users/users.ts";

export function reportContentRoutes(deps: {
  users: Users;
  rooms: Pick<Rooms, "view" | "history">;
}): Route[] {
  const { users, rooms } = deps;

  /** The same answer whether the room does not exist or the reporter is not in it. */
  async function ensureJoined(userId: UserId, roomId: RoomId): Promise<void> {
    const room = await rooms.view.room(roomId);
    const row = room && (await rooms.view.membership(room.nid, userId));
    if (row?.membership !== "join") throw errors.notFound("No such event in a room of yours");
  }

  return [
    // POST /_matrix/client/v3/rooms/{roomId}/report
    route("reportRoom", async ({ requester, params, body }) => {
      await users.reports.room(requester.userId, parseRoomId(params.roomId), body.reason);
    }),

    // POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}
    route("reportEvent", async ({ requester, params, body }) => {
      const { userId } = requester;
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(params.eventId);
      await ensureJoined(userId, roomId);
      const { event } = await rooms.history.visibleEvent(userId, roomId, eventId);
      await users.reports.event(userId, roomId, event, body);
    }),

    // POST /_matrix/client/v3/users/{userId}/report
    route("reportUser", async ({ requester, params, body }) => {
      await users.reports.user(requester.userId, parseUserId(params.userId), body.reason);
    }),
  ];
}
