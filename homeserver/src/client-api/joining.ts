import { route, type Route } from "../http/route.ts";
import { parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { parseRoomIdOrAlias, parseVia } from "./room-target.ts";

/** Joining rooms by id or alias. (Client-server API, "Joining rooms".) */
export function joiningRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // POST /_matrix/client/v3/rooms/{roomId}/join
    route("joinRoomById", async ({ params, body, requester }) => {
      const room = parseRoomId(params.roomId);
      const { reason, third_party_signed: thirdPartySigned } = body;
      const joined = await rooms.members.join({ by: requester, room, reason, thirdPartySigned });
      return { room_id: joined };
    }),

    // POST /_matrix/client/v3/join/{roomIdOrAlias}
    route("joinRoom", async ({ params, query, body, requester }) => {
      const room = parseRoomIdOrAlias(params.roomIdOrAlias);
      const via = parseVia(query);
      // Further keys of the body become keys of the member event.
      const { reason, third_party_signed: thirdPartySigned, ...content } = body;
      const joined = await rooms.members.join({
        by: requester,
        room,
        via,
        reason,
        thirdPartySigned,
        content,
      });
      return { room_id: joined };
    }),
  ];
}
