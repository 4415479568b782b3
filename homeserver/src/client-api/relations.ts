import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Requester } from "../http/access/authenticate.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import { eventsPage } from "./events-page.ts";

interface RelationsRequest {
  readonly params: {
    readonly roomId: string;
    readonly eventId: string;
    readonly relType?: string;
    readonly eventType?: string;
  };
  readonly query: {
    readonly from?: string;
    readonly to?: string;
    readonly dir?: "b" | "f";
    readonly limit?: number;
    readonly recurse?: boolean;
  };
  readonly requester: Requester;
}

/** Events by what they relate to. (Client-server API, "Event relationships".) */
export function relationsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  async function relations({ params, query, requester }: RelationsRequest) {
    const { relType, eventType } = params;
    const [roomId, eventId] = [parseRoomId(params.roomId), parseEventId(params.eventId)];
    const about = { ...query, relType, eventType };
    const { chunk, ...page } = await rooms.history.relations(requester, roomId, eventId, about);
    return raw(eventsPage(chunk, page));
  }

  return [
    // GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}
    route("getRelatingEvents", relations),

    // GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}
    route("getRelatingEventsWithRelType", relations),

    // GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}
    route("getRelatingEventsWithRelTypeAndEventType", relations),
  ];
}
