/** The operations of the server-server API as calls to other servers. */
import type { EventId, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
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

/** What another server tells of the devices of one of its users. Nothing of it is checked. */
export interface ToldDeviceList {
  readonly user_id?: Json;
  readonly stream_id?: Json;
  /** Up to the limit that was asked for. */
  readonly devices: readonly JsonObject[];
  readonly master_key?: Json;
  readonly self_signing_key?: Json;
}

/** How long another server is waited for. */
export interface RemoteWait {
  /** Ms for the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The server is just a name that a user gave. */
  readonly ofStranger?: boolean;
}

/**
 * Calls about devices and their keys. The answers are untrusted. Servers that failed recently are
 * not asked. All throw RemoteError.
 */
export interface RemoteKeys {
  /**
   * GET /_matrix/federation/v1/user/devices/{userId}. More devices than `maxDevices` are an error,
   * and not read.
   */
  userDevices(
    server: ServerName,
    userId: UserId,
    options: RemoteWait & { readonly maxDevices: number },
  ): Promise<ToldDeviceList>;
  /** POST /_matrix/federation/v1/user/keys/query: user → devices, or none for all of them. */
  queryKeys(
    server: ServerName,
    wanted: Record<string, string[]>,
    wait: RemoteWait,
  ): Promise<JsonObject>;
  /** POST /_matrix/federation/v1/user/keys/claim: user → device → algorithm. */
  claimKeys(
    server: ServerName,
    wanted: Record<string, Record<string, string>>,
    wait: RemoteWait,
  ): Promise<JsonObject>;
}

/** The same, and calls that are not about rooms. */
export interface RemoteServer extends RemoteRooms, RemoteKeys {
  /** GET /_matrix/federation/v1/query/profile; all fields, or the one named. */
  profile(server: ServerName, userId: UserId, field?: string): Promise<JsonObject>;
  /** GET /_matrix/federation/v1/publicRooms, or POST when there is a filter. */
  publicRooms(
    server: ServerName,
    query: { limit?: number; since?: string; filter?: JsonObject },
  ): Promise<JsonObject>;
  /** GET /_matrix/federation/v1/hierarchy/{roomId}: {room, children, inaccessible_children}. */
  hierarchy(server: ServerName, roomId: RoomId, suggestedOnly: boolean): Promise<JsonObject>;
  /** PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId}; a server that is a name. */
  exchangeThirdPartyInvite(server: ServerName, roomId: RoomId, event: JsonObject): Promise<unknown>;
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
