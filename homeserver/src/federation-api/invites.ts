import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Invitations to users of this server. (Server-server API, "Inviting to a room".) */
export function invitesRoutes({ rooms }: { rooms: Rooms }): Route[] {
  return [
    // PUT /_matrix/federation/v2/invite/{roomId}/{eventId}
    route("sendInviteV2", async ({ params, body, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const event = await rooms.federation.invite(origin, roomId, parseEventId(params.eventId), {
        event: body.event,
        roomVersion: body.room_version,
        inviteRoomState: body.invite_room_state ?? [],
      });
      return { event };
    }),

    // PUT /_matrix/federation/v1/invite/{roomId}/{eventId}: room versions 1 and 2 only; answers
    // [200, {event}]
    route("sendInviteV1", async ({ params, body, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const event = body as JsonObject;
      const unsigned = isJsonObject(event.unsigned) ? event.unsigned : {};
      const stripped = unsigned.invite_room_state;
      const signed = await rooms.federation.invite(origin, roomId, parseEventId(params.eventId), {
        event,
        roomVersion: undefined,
        inviteRoomState: Array.isArray(stripped) ? stripped.filter(isJsonObject) : [],
      });
      return json([200, { event: signed }]);
    }),
  ];
}
