import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

/** Reading events, state and members. (Client-server API, "Getting events for a room".) */
export function roomsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  const { history, view } = rooms;
  return [
    // GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}
    route("getOneRoomEvent", async ({ params, requester }) =>
      raw(await history.event(requester, parseRoomId(params.roomId), parseEventId(params.eventId))),
    ),

    // GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}
    route("getRoomStateWithKey", async ({ params, query, requester }) => {
      const roomId = parseRoomId(params.roomId);
      const { eventType, stateKey } = params;
      const found = await history.stateEvent(requester.userId, roomId, eventType, stateKey);
      if (query.format === "event") return raw(view.presentState([found])[0]!);
      return found.event.content;
    }),

    // GET /_matrix/client/v3/rooms/{roomId}/state
    route("getRoomState", async ({ params, requester }) => {
      const state = await history.state(requester.userId, parseRoomId(params.roomId));
      return raw(`[${view.presentState(state).join(",")}]`);
    }),

    // GET /_matrix/client/v3/rooms/{roomId}/members
    route("getMembersByRoom", async ({ params, query, requester }) => {
      const members = await history.members(requester.userId, parseRoomId(params.roomId), {
        at: query.at,
        membership: query.membership,
        notMembership: query.not_membership,
      });
      return raw(`{"chunk":[${view.presentState(members).join(",")}]}`);
    }),

    // GET /_matrix/client/v3/rooms/{roomId}/joined_members
    route("getJoinedMembersByRoom", async ({ params, requester }) => {
      const joined = await history.joinedMembers(requester.userId, parseRoomId(params.roomId));
      return { joined: Object.fromEntries(joined) };
    }),
  ];
}
