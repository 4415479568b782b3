import { raw } from "../http/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Requester } from "../http/authenticate.ts";
import { parseEventId, parseRoomId } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/types.ts";

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

/** Events by what they relate to, and threads. (Client-server API, "Event relationships", "Threading".) */
export function relationsRoutes({ rooms }: { rooms: Rooms }): Route[] {
  async function relations({ params, query, requester }: RelationsRequest) {
    const { relType, eventType } = params;
    const [roomId, eventId] = [parseRoomId(params.roomId), parseEventId(params.eventId)];
    const about = { ...query, relType, eventType };
    const { chunk, ...page } = await rooms.history.relations(requester, roomId, eventId, about);
    return raw(withChunk(chunk, page));
  }

  return [
    // GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}
    route("getRelatingEvents", relations),

    // GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}
    route("getRelatingEventsWithRelType", relations),

    // GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}
    route("getRelatingEventsWithRelTypeAndEventType", relations),

    // GET /_matrix/client/v1/rooms/{roomId}/threads
    route("getThreadRoots", async ({ params, query, requester }) => {
      const roomId = parseRoomId(params.roomId);
      const { chunk, ...page } = await rooms.history.threads(requester, roomId, query);
      return raw(withChunk(chunk, page));
    }),
  ];
}

/** The page's other fields are spliced in front of the events' texts. */
function withChunk(chunk: readonly string[], page: object): string {
  const rest = JSON.stringify(page).slice(1, -1);
  return `{${rest === "" ? "" : `${rest},`}"chunk":[${chunk.join(",")}]}`;
}
