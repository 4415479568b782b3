import { route, type Route } from "../http/route.ts";
import { parseRoomAlias, parseRoomId, parseServerName } from "../protocol/identifiers.ts";
import type { RoomAlias, RoomId, ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/types.ts";

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
      const via = parseVia(query.via ?? query.server_name);
      const { reason, third_party_signed: thirdPartySigned } = body;
      const joined = await rooms.members.join({
        by: requester,
        room,
        via,
        reason,
        thirdPartySigned,
      });
      return { room_id: joined };
    }),
  ];
}

function parseRoomIdOrAlias(text: string): RoomId | RoomAlias {
  return text.startsWith("#") ? parseRoomAlias(text) : parseRoomId(text);
}

/** Servers beyond these are not asked: each may take its time not to answer. */
const MOST_VIA = 20;

function parseVia(names: readonly string[] | undefined): ServerName[] | undefined {
  return names?.slice(0, MOST_VIA).map((name) => parseServerName(name));
}
