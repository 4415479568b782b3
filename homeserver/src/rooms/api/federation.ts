/** The engine towards other servers: what it asks of them, and what it answers them. */
import type { EventId, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { VerifyKey } from "../../protocol/crypto.ts";

/** A part of another server's answer: an item of one of the lists on its top level, or the value of another key. */
export interface AnswerPart {
  readonly key: string;
  readonly value: Json;
}

/** Takes parts of an answer as they come; no more is read from the other server before it is done. */
export type TakeParts = (parts: readonly AnswerPart[]) => Promise<void>;

/** PDUs' texts (canonical JSON), read as they are taken. */
export interface StateAnswer {
  readonly pdus: AsyncIterable<readonly string[]>;
  readonly authChain: AsyncIterable<readonly string[]>;
}

interface JoinAnswer extends StateAnswer {
  /** The keys beside `state` and `auth_chain`. */
  readonly head: JsonObject;
}

/** Answers of another server are untrusted JSON: the engine checks shape, hashes and signatures itself. */
export interface RemoteServer {
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
  /** The same of a room that is joined: it may be longer. */
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

/** Keys of other servers. Undefined where a key cannot be had or was not valid at that time. */
export interface KeyRing {
  keys(
    wanted: readonly { server: ServerName; keyId: string; validAt: number }[],
    room?: string,
  ): Promise<(VerifyKey | undefined)[]>;
}

export interface RoomFederation {
  /**
   * PUT /_matrix/federation/v1/send/{txnId}: takes the PDUs of a transaction, each alone, on their rooms'
   * mailboxes. Answers per event id `{}` or `{error}`; never throws for a bad PDU.
   */
  receive(origin: ServerName, pdus: readonly JsonObject[]): Promise<Record<string, JsonObject>>;

  /** True when the room's m.room.server_acl lets this server take part (or there is none). */
  aclAllows(roomId: RoomId, server: ServerName): Promise<boolean>;

  /** GET make_join: {room_version, event}. 400 M_INCOMPATIBLE_ROOM_VERSION, 403 M_FORBIDDEN, 404 M_NOT_FOUND. */
  makeJoin(
    origin: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<JsonObject>;
  /** PUT v2 send_join. `omitMembers`: the caller can do without most of them. */
  sendJoin(
    origin: ServerName,
    roomId: RoomId,
    eventId: EventId,
    pdu: JsonObject,
    omitMembers?: boolean,
  ): Promise<JoinAnswer>;
  makeLeave(origin: ServerName, roomId: RoomId, userId: UserId): Promise<JsonObject>;
  sendLeave(origin: ServerName, roomId: RoomId, eventId: EventId, pdu: JsonObject): Promise<void>;
  makeKnock(
    origin: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<JsonObject>;
  sendKnock(
    origin: ServerName,
    roomId: RoomId,
    eventId: EventId,
    pdu: JsonObject,
  ): Promise<JsonObject>;
  /** PUT invite (v1, which says no version, and v2): the event signed by us too. */
  invite(
    origin: ServerName,
    roomId: RoomId,
    eventId: EventId,
    body: {
      event: JsonObject;
      roomVersion: string | undefined;
      inviteRoomState: readonly JsonObject[];
    },
  ): Promise<JsonObject>;

  /** GET backfill: PDUs' texts (canonical JSON), newest first. */
  backfill(
    origin: ServerName,
    roomId: RoomId,
    from: readonly EventId[],
    limit: number,
  ): Promise<string[]>;
  /** POST get_missing_events: PDUs' texts, oldest first. */
  missingEvents(
    origin: ServerName,
    roomId: RoomId,
    body: {
      earliest: readonly EventId[];
      latest: readonly EventId[];
      limit: number;
      minDepth: number;
    },
  ): Promise<string[]>;
  /** GET state: the state before the event, and its auth chain. */
  state(origin: ServerName, roomId: RoomId, eventId: EventId): Promise<StateAnswer>;
  stateIds(
    origin: ServerName,
    roomId: RoomId,
    eventId: EventId,
  ): Promise<{ pduIds: EventId[]; authChainIds: EventId[] }>;
  /** GET timestamp_to_event: the closest event that the origin may ask about. M_NOT_FOUND 404. */
  closestTo(
    origin: ServerName,
    roomId: RoomId,
    moment: { ts: number; dir: "f" | "b" },
  ): Promise<{ eventId: EventId; originServerTs: number }>;
  /** GET event: the PDU's text, if the origin may see it. */
  event(origin: ServerName, eventId: EventId): Promise<string>;
  eventAuth(origin: ServerName, roomId: RoomId, eventId: EventId): Promise<string[]>;
}
