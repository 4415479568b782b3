import { raw, streamed } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Clock } from "../platform/clock.ts";
import { parseEventId, parseRoomId, type ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";

export interface EventsDeps {
  readonly rooms: Rooms;
  readonly serverName: ServerName;
  readonly clock: Clock;
}

/**
 * Events and state for other servers. (Server-server API, "Retrieving events", "Retrieving room
 * state".)
 */
export function eventsRoutes({ rooms, serverName, clock }: EventsDeps): Route[] {
  const { federation } = rooms;
  return [
    // GET /_matrix/federation/v1/event/{eventId}
    route("getEvent", async ({ params, origin }) => {
      const pdu = await federation.event(origin, parseEventId(params.eventId));
      const head = `"origin":${JSON.stringify(serverName)},"origin_server_ts":${clock.now()}`;
      return raw(`{${head},"pdus":[${pdu}]}`);
    }),

    // GET /_matrix/federation/v1/state/{roomId}
    route("federationGetRoomState", async ({ params, query, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(query.event_id);
      const { pdus, authChain } = await federation.state(origin, roomId, eventId);
      return streamed({}, { auth_chain: authChain, pdus });
    }),

    // GET /_matrix/federation/v1/state_ids/{roomId}
    route("getRoomStateIds", async ({ params, query, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const eventId = parseEventId(query.event_id);
      const { pduIds, authChainIds } = await federation.stateIds(origin, roomId, eventId);
      return { pdu_ids: pduIds, auth_chain_ids: authChainIds };
    }),

    // GET /_matrix/federation/v1/timestamp_to_event/{roomId}
    route("federationGetEventByTimestamp", async ({ params, query, origin }) => {
      const roomId = parseRoomId(params.roomId);
      const found = await federation.closestTo(origin, roomId, query);
      return { event_id: found.eventId, origin_server_ts: found.originServerTs };
    }),
  ];
}
