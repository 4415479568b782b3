import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import { parseEventId, parseRoomId, type ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

const MAX_BACKFILL = 100;
const MAX_MISSING = 20;
const DEFAULT_MISSING = 10;

export interface BackfillDeps {
  readonly rooms: Rooms;
  readonly serverName: ServerName;
  readonly clock: Clock;
}

/**
 * History for servers that lack it. (Server-server API, "Backfilling and retrieving missing
 * events".)
 */
export function backfillRoutes({ rooms, serverName, clock }: BackfillDeps): Route[] {
  return [
    // GET /_matrix/federation/v1/backfill/{roomId}
    route("backfillRoom", async ({ params, query, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const from = query.v.map((id) => parseEventId(id));
      const limit = Math.min(query.limit, MAX_BACKFILL);
      const pdus = await rooms.federation.backfill(origin, roomId, from, limit);
      const head = `"origin":${JSON.stringify(serverName)},"origin_server_ts":${clock.now()}`;
      return raw(`{${head},"pdus":[${pdus.join(",")}]}`);
    }),

    // POST /_matrix/federation/v1/get_missing_events/{roomId}
    route("getMissingPreviousEvents", async ({ params, body, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const events = await rooms.federation.missingEvents(origin, roomId, {
        earliest: body.earliest_events.map((id) => parseEventId(id)),
        latest: body.latest_events.map((id) => parseEventId(id)),
        limit: Math.min(body.limit ?? DEFAULT_MISSING, MAX_MISSING),
        minDepth: body.min_depth ?? 0,
      });
      return raw(`{"events":[${events.join(",")}]}`);
    }),
  ];
}
