import { streamed } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId, parseUserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Servers that join rooms through this one. (Server-server API, "Joining Rooms".) */
export function joinsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // GET /_matrix/federation/v1/make_join/{roomId}/{userId}
    route("makeJoin", async ({ params, query, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const versions = query.ver ?? ["1"];
      return rooms.federation.makeJoin(origin, roomId, parseUserId(params.userId), versions);
    }),

    // PUT /_matrix/federation/v2/send_join/{roomId}/{eventId}
    route("sendJoinV2", async ({ params, query, body, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(params.eventId);
      const omitMembers = query.omit_members ?? false;
      const pdu = body as JsonObject;
      const { federation } = rooms;
      const answer = await federation.sendJoin(origin, roomId, eventId, pdu, omitMembers);
      // The auth chain first, so that a receiver can check the state while it arrives.
      return streamed(answer.head, { auth_chain: answer.authChain, state: answer.pdus });
    }),
  ];
}
