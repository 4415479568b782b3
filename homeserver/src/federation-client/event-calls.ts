import type { EventId, RoomId, ServerName } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { TakeParts } from "./reading/read-parts.ts";
import { bulky, USER_WAITS_MS, v1 } from "./requests/calls.ts";
import type { Calls } from "./requests/calls.ts";
import type { RemoteRequest } from "./requests/client.ts";
import { uriOf } from "./requests/signed-request.ts";
import type { RemoteRooms } from "./types.ts";

/** Other servers can be asked instead. */
const QUICK_MS = 10_000;
/**
 * Limits for requests caused by events from outside: nobody waits for them, and nothing is trusted.
 */
const EVENT_BYTES = { maxBytes: 1024 * 1024, timeoutMs: 20_000 };
const STATE_LIMITS = { maxBytes: 32 * 1024 * 1024, timeoutMs: 60_000 };
/** An identifier has 255 bytes at most. */
const IDS = { ...STATE_LIMITS, maxPartBytes: 512 };
/** A room of 100,000 members has at most 200,000. Auth chains have some hundred events. */
const MAX_IDS = 1_000_000;
const MAX_IN_CHAIN = 20_000;
/** Some servers answer with more missing events than they were asked for. */
const MAX_MISSING = 50;
const WHOLE_STATE_LIMITS = { maxBytes: 128 * 1024 * 1024, timeoutMs: 120_000 };

type EventCalls = Pick<
  RemoteRooms,
  | "event"
  | "stateIds"
  | "state"
  | "joinedState"
  | "eventAuth"
  | "missingEvents"
  | "backfill"
  | "timestampToEvent"
>;

/** Events and states that other servers have. */
export function eventCalls({ get, lists, listsAt, parts }: Calls): EventCalls {
  const stateWithin =
    (limits: Partial<RemoteRequest>) =>
    (server: ServerName, roomId: RoomId, eventId: EventId, take: TakeParts) => {
      const uri = uriOf(v1("state", roomId), { event_id: eventId });
      return parts(server, { method: "GET", uri, ...limits }, take);
    };

  return {
    /** GET /_matrix/federation/v1/event/{eventId} */
    event: (server, eventId) => listsAt(server, v1("event", eventId), {}, { pdus: 1 }, EVENT_BYTES),

    /** GET /_matrix/federation/v1/state_ids/{roomId} */
    stateIds: (server, roomId, eventId) =>
      listsAt(
        server,
        v1("state_ids", roomId),
        { event_id: eventId },
        { pdu_ids: MAX_IDS, auth_chain_ids: MAX_IDS },
        IDS,
      ),

    /** GET /_matrix/federation/v1/state/{roomId}, part by part. */
    state: stateWithin(WHOLE_STATE_LIMITS),

    /** The same for a room that is being joined. */
    joinedState: stateWithin(bulky),

    /** GET /_matrix/federation/v1/event_auth/{roomId}/{eventId} */
    eventAuth: (server, roomId, eventId) =>
      listsAt(
        server,
        v1("event_auth", roomId, eventId),
        {},
        { auth_chain: MAX_IN_CHAIN },
        STATE_LIMITS,
      ),

    /** POST /_matrix/federation/v1/get_missing_events/{roomId} */
    missingEvents: (server, roomId, body) => {
      const content = body as unknown as JsonObject;
      const request = { method: "POST" as const, uri: uriOf(v1("get_missing_events", roomId)) };
      return lists(server, { ...request, content }, { events: MAX_MISSING });
    },

    /** GET /_matrix/federation/v1/backfill/{roomId} */
    backfill: (server, roomId, from, limit) =>
      listsAt(
        server,
        v1("backfill", roomId),
        { v: from, limit },
        { pdus: limit },
        { timeoutMs: USER_WAITS_MS },
      ),

    /** GET /_matrix/federation/v1/timestamp_to_event/{roomId}: {event_id, origin_server_ts} */
    timestampToEvent: (server, roomId, ts, dir) =>
      get(server, v1("timestamp_to_event", roomId), { ts, dir }, { timeoutMs: QUICK_MS }),
  };
}
