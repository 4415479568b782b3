/** The operations of the server-server API as calls to other servers. */
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { TakeParts } from "./reading/read-parts.ts";

/**
 * Calls about rooms. The answers are untrusted JSON: the room engine checks shape, hashes and
 * signatures itself. All throw RemoteError.
 */
export interface RemoteRooms {
  makeJoin(
    server: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<JsonObject>;
  /** PUT /_matrix/federation/v2/send_join. */
  sendJoin(
    server: ServerName,
    join: {
      readonly roomId: RoomId;
      readonly eventId: EventId;
      readonly pdu: JsonObject;
      readonly omitMembers: boolean;
    },
    take: TakeParts,
  ): Promise<void>;
  makeLeave(server: ServerName, roomId: RoomId, userId: UserId): Promise<JsonObject>;
  sendLeave(server: ServerName, roomId: RoomId, eventId: EventId, pdu: JsonObject): Promise<void>;
  makeKnock(
    server: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<JsonObject>;
  sendKnock(
    server: ServerName,
    roomId: RoomId,
    eventId: EventId,
    pdu: JsonObject,
  ): Promise<JsonObject>;
  /** PUT /_matrix/federation/v2/invite, falling back to v1; answers {event}. */
  invite(
    server: ServerName,
    roomId: RoomId,
    eventId: EventId,
    body: { event: JsonObject; room_version: string; invite_room_state: JsonObject[] },
  ): Promise<JsonObject>;
  event(server: ServerName, eventId: EventId): Promise<JsonObject>;
  stateIds(server: ServerName, roomId: RoomId, eventId: EventId): Promise<JsonObject>;
  /** GET /_matrix/federation/v1/state/{roomId}, part by part. */
  state(server: ServerName, roomId: RoomId, eventId: EventId, take: TakeParts): Promise<void>;
  /** The same for a room that is being joined: the answer may be longer. */
  joinedState(server: ServerName, roomId: RoomId, eventId: EventId, take: TakeParts): Promise<void>;
  eventAuth(server: ServerName, roomId: RoomId, eventId: EventId): Promise<JsonObject>;
  /** At most 50 events, whatever the limit. */
  missingEvents(
    server: ServerName,
    roomId: RoomId,
    body: {
      earliest_events: readonly EventId[];
      latest_events: readonly EventId[];
      limit: number;
      min_depth?: number;
    },
  ): Promise<JsonObject>;
  /** At most `limit` events. */
  backfill(
    server: ServerName,
    roomId: RoomId,
    from: readonly EventId[],
    limit: number,
  ): Promise<JsonObject>;
  /** GET /_matrix/federation/v1/timestamp_to_event/{roomId}: {event_id, origin_server_ts}. */
  timestampToEvent(
    server: ServerName,
    roomId: RoomId,
    ts: number,
    dir: "f" | "b",
  ): Promise<JsonObject>;
  /** POST /_matrix/policy/v1/sign: the server's signature as `signatures` hold it. */
  signByPolicy(server: ServerName, pdu: JsonObject): Promise<JsonObject>;
  /** GET /_matrix/federation/v1/query/directory: {room_id, servers}. */
  directory(server: ServerName, alias: string): Promise<JsonObject>;
}

/** The same, and calls that are not about rooms. */
export interface RemoteServer extends RemoteRooms {
  /** GET /_matrix/federation/v1/query/profile; all fields, or the one named. */
  profile(server: ServerName, userId: UserId, field?: string): Promise<JsonObject>;
  /** GET /_matrix/federation/v1/publicRooms, or POST when there is a filter. */
  publicRooms(
    server: ServerName,
    query: { limit?: number; since?: string; filter?: JsonObject },
  ): Promise<JsonObject>;
  /** PUT /_matrix/federation/v1/send/{txnId}: its answer is ignored. */
  sendTransaction(
    server: ServerName,
    txnId: string,
    transaction: {
      origin: string;
      origin_server_ts: number;
      pdus: JsonObject[];
      edus?: JsonObject[];
    },
    signal?: AbortSignal,
  ): Promise<unknown>;
  /** GET /_matrix/federation/v1/version. */
  version(server: ServerName): Promise<JsonObject>;
}
