/** What the room engine answers to other servers. */
import type { EventId, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** The PDUs as canonical JSON, streamed while the answer is being sent. */
export interface StateAnswer {
  readonly pdus: AsyncIterable<readonly string[]>;
  readonly authChain: AsyncIterable<readonly string[]>;
}

interface JoinAnswer extends StateAnswer {
  /** The answer's other keys, beside `state` and `auth_chain`. */
  readonly head: JsonObject;
}

export interface RoomFederation {
  /**
   * PUT /_matrix/federation/v1/send/{txnId}: handles the PDUs of a transaction, each by itself, on
   * their rooms' mailboxes. Returns `{}` or `{error}` per event id; never throws for a bad PDU.
   */
  receive(origin: ServerName, pdus: readonly JsonObject[]): Promise<Record<string, JsonObject>>;

  /** True when the room's m.room.server_acl lets this server take part (or there is none). */
  aclAllows(roomId: RoomId, server: ServerName): Promise<boolean>;

  /**
   * GET make_join: {room_version, event}. 400 M_INCOMPATIBLE_ROOM_VERSION, 403 M_FORBIDDEN, 404
   * M_NOT_FOUND.
   */
  makeJoin(
    origin: ServerName,
    roomId: RoomId,
    userId: UserId,
    versions: readonly string[],
  ): Promise<JsonObject>;
  /**
   * PUT v2 send_join. `omitMembers`: the joining server accepts an answer without most of the
   * members.
   */
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
  /** PUT invite, v1 (which names no room version) and v2: the event, signed by this server too. */
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
