import type { BlockedServers } from "../federation-client/index.ts";
import { route, type Route } from "../http/route.ts";
import type { Destinations } from "../oversight/destinations.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { parseServerName } from "../protocol/identifiers.ts";
import type { ListedDestination } from "../storage/oversight/destinations.ts";
import { nextToken, pageOf } from "./pages.ts";

export interface FederationDeps {
  readonly destinations: Destinations;
  readonly blockedServers: Pick<BlockedServers, "has" | "list" | "block" | "unblock">;
}

/** Other servers. */
export function federationRoutes({ destinations, blockedServers }: FederationDeps): Route[] {
  const shown = (row: ListedDestination) => ({
    destination: row.server,
    retry_last_ts: row.triedTs ?? 0,
    retry_interval: row.intervalMs ?? 0,
    failure_ts: row.failingSince,
    ...(row.retryAfter !== null && { retry_after_ts: row.retryAfter }),
    last_success_ts: row.deliveredTs,
    last_successful_stream_ordering: row.sent,
    last_wanted_stream_ordering: row.wanted,
    blocked: blockedServers.has(row.server as ServerName),
  });

  return [
    // GET /_synapse/admin/v1/federation/destinations
    route("getDestinations", async ({ query }) => {
      const page = pageOf(query);
      const { destination: like, order_by: orderBy = "destination" } = query;
      const { found, total } = await destinations.list({ ...page, orderBy, like });
      return { destinations: found.map(shown), total, ...nextToken(page, found.length, total) };
    }),

    // GET /_synapse/admin/v1/federation/destinations/{destination}
    route("getDestination", async ({ params }) =>
      shown(await destinations.one(parseServerName(params.destination))),
    ),

    // GET /_synapse/admin/v1/federation/destinations/{destination}/rooms
    route("getDestinationRooms", async ({ params, query }) => {
      const page = pageOf(query);
      const server = parseServerName(params.destination);
      const { found, total } = await destinations.rooms(server, page);
      const rooms = found.map(({ roomId, position }) => ({
        room_id: roomId,
        stream_ordering: position,
      }));
      return { rooms, total, ...nextToken(page, found.length, total) };
    }),

    // POST /_synapse/admin/v1/federation/destinations/{destination}/reset_connection
    route("resetDestination", ({ params }) =>
      destinations.reset(parseServerName(params.destination)),
    ),

    // GET /_weft/admin/federation/blocked
    route("getBlockedServers", async () => ({
      blocked: (await blockedServers.list()).map(({ pattern, reason, by, ts }) => ({
        server: pattern,
        reason,
        blocked_by: by,
        blocked_ts: ts,
      })),
    })),

    // PUT /_weft/admin/federation/blocked/{serverPattern}
    route("blockServer", async ({ requester, params, body }) => {
      await blockedServers.block(params.serverPattern, requester.userId, body.reason);
      return {};
    }),

    // DELETE /_weft/admin/federation/blocked/{serverPattern}
    route("unblockServer", async ({ params }) => {
      await blockedServers.unblock(params.serverPattern);
      return {};
    }),
  ];
}
