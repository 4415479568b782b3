import { queryEventFilter } from "../http/body/event-filter.ts";
import { contextReply, messagesReply } from "../http/reply/history.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { Spaces } from "../spaces/index.ts";

/** What was said in any room, for administrators. */
export function roomHistoryRoutes(deps: { rooms: Rooms; spaces: Spaces }): Route[] {
  const { rooms, spaces } = deps;
  const { history, lists } = rooms.administration;

  return [
    // GET /_synapse/admin/v1/rooms/{roomId}/messages
    route("adminGetRoomMessages", async ({ params, query, requester }) => {
      const page = await history.messages(requester, parseRoomId(params.roomId), {
        from: query.from,
        to: query.to,
        dir: query.dir ?? "f",
        limit: query.limit,
        filter: queryEventFilter(query.filter),
      });
      return messagesReply(page);
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}/context/{eventId}
    route("adminGetEventContext", async ({ params, query, requester }) => {
      const context = await history.context(
        requester,
        parseRoomId(params.roomId),
        parseEventId(params.eventId),
        { limit: query.limit, filter: queryEventFilter(query.filter) },
      );
      return contextReply(context);
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}/timestamp_to_event
    route("adminGetEventByTimestamp", async ({ params, query, requester }) => {
      const moment = { ts: query.ts, dir: query.dir ?? "f" } as const;
      const found = await history.closestTo(requester, parseRoomId(params.roomId), moment);
      return { event_id: found.eventId, origin_server_ts: found.originServerTs };
    }),

    // GET /_synapse/admin/v1/rooms/{roomId}/hierarchy
    route("adminGetSpaceHierarchy", async ({ params, query, requester }) => {
      const roomId = parseRoomId(params.roomId);
      if ((await rooms.view.room(roomId)) === undefined) {
        throw errors.notFound("This server does not know that room");
      }
      const { limit, max_depth: maxDepth, from } = query;
      return spaces.wholeHierarchy(requester.userId, roomId, { limit, maxDepth, from });
    }),

    // GET /_synapse/admin/v1/fetch_event/{eventId}
    route("adminFetchEvent", async ({ params }) => {
      const event = await lists.pdu(parseEventId(params.eventId));
      if (event === undefined) throw errors.notFound("This server has no such event");
      return { event };
    }),
  ];
}
