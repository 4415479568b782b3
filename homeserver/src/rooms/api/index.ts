/**
 * The room engine's public face: what sync, client-api and the others may call. Readers are in
 * `reading.ts`, the federation side in `federation.ts`. Errors are `MatrixError`s, ready for the
 * client.
 */
import type { FollowerOptions } from "../../log/follow.ts";
import type { EventRecord } from "../../log/types.ts";
import type { Profiles } from "../../users/data/profiles.ts";
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomAdministration } from "./administration.ts";
import type { Actor } from "./base.ts";
import type { RoomFederation } from "./federation.ts";
import type { RoomPurges } from "./purges.ts";
import type { RoomHistory, RoomView } from "./reading.ts";

export type * from "./administration.ts";
export type * from "./base.ts";
export type * from "./purges.ts";
export type * from "./reading.ts";

export interface Rooms {
  readonly send: RoomSend;
  readonly create: RoomCreate;
  readonly members: RoomMembers;
  readonly directory: RoomDirectory;
  readonly view: RoomView;
  readonly history: RoomHistory;
  readonly federation: RoomFederation;
  readonly purges: RoomPurges;
  readonly administration: RoomAdministration;
  readonly cascades: RoomCascades;
  readonly upgrades: RoomUpgrades;
  readonly sticky: StickyEvents;
  /** Waits for commands under way and lets go of memory. */
  stop(): Promise<void>;
}

/** Upgrades that the process which began them did not end. */
export interface RoomUpgrades {
  /** Moves aliases, and the place in the directory, of rooms that were closed. It may be told twice. */
  tombstoned(records: readonly EventRecord[]): Promise<void>;
}

/** Sticky events (MSC4354), as far as they are not sent and told of like others. */
export interface StickyEvents {
  /**
   * Memberships changed: what was soft-failed of these users is checked again, and servers that
   * have come into a room with them are sent what is sticky there. It may be told twice.
   */
  membersChanged(
    changes: readonly {
      readonly roomNid: number;
      readonly userId: string;
      /** Log position. */
      readonly position: number;
    }[],
  ): Promise<void>;
}

// --- sending -----------------------------------------------------------------------------------

export interface SendMessage {
  readonly by: Actor;
  readonly roomId: RoomId;
  readonly type: string;
  readonly content: JsonObject;
  /**
   * The client's transaction id: a repeated request of the same device is answered with the first
   * event's id.
   */
  readonly txnId?: string | undefined;
  /** ms since 1970; application services may choose it. */
  readonly originServerTs?: number | undefined;
  /**
   * The event was scheduled under this id: it is sent once, and its sender is told the id. It takes
   * the place of a transaction id.
   */
  readonly delayId?: string | undefined;
  /** For how many ms it is sticky (MSC4354). */
  readonly stickyMs?: number | undefined;
}

export interface RoomSend {
  /**
   * PUT /rooms/{roomId}/send/{type}/{txnId}. M_FORBIDDEN 403 by the auth rules, M_NOT_FOUND 404,
   * M_TOO_LARGE 413, M_USER_SUSPENDED 403 as in `redact`.
   */
  message(message: SendMessage): Promise<EventId>;
  /**
   * PUT /rooms/{roomId}/state/{type}/{stateKey}. If the sender's own event there already has equal
   * content, that event's id is answered. Checks m.room.canonical_alias (M_BAD_ALIAS,
   * M_INVALID_PARAM); member events obey the rules of RoomMembers as well.
   */
  state(message: SendMessage & { readonly stateKey: string }): Promise<EventId>;
  /**
   * PUT /rooms/{roomId}/redact/{eventId}/{txnId}. Users may redact their own events; those of
   * others need the redact power level, and are not for suspended users (M_USER_SUSPENDED 403).
   * `withRelTypes`: what relates to the event in these ways goes along, as far as the user may
   * redact it; "*" stands for any way.
   */
  redact(request: {
    readonly by: Actor;
    readonly roomId: RoomId;
    readonly eventId: EventId;
    readonly reason?: string | undefined;
    readonly content?: JsonObject | undefined;
    readonly txnId?: string | undefined;
    readonly withRelTypes?: readonly string[] | undefined;
  }): Promise<EventId>;
}

/** What redactions take along is redacted by a follower of the log. (MSC3912.) */
export interface RoomCascades {
  readonly follower: FollowerOptions<"event" | "history">;
  /** To be awaited when the follower has stopped. */
  ended(): Promise<void>;
}

// --- creating ----------------------------------------------------------------------------------

/** The body of POST /createRoom, checked for shape by the caller. */
export interface CreateRoomOptions {
  readonly visibility?: "public" | "private";
  readonly room_alias_name?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly invite?: readonly string[];
  readonly room_version?: string;
  readonly creation_content?: JsonObject;
  readonly initial_state?: readonly { type: string; state_key?: string; content: JsonObject }[];
  readonly preset?: "private_chat" | "public_chat" | "trusted_private_chat";
  readonly is_direct?: boolean;
  readonly power_level_content_override?: JsonObject;
}

export interface RoomCreate {
  /**
   * POST /createRoom. M_UNSUPPORTED_ROOM_VERSION, M_INVALID_ROOM_STATE, M_ROOM_IN_USE (all 400).
   */
  room(by: Actor, options: CreateRoomOptions): Promise<RoomId>;
  /** POST /rooms/{roomId}/upgrade; returns the new room's id. */
  upgrade(
    by: Actor,
    roomId: RoomId,
    newVersion: string,
    additionalCreators?: readonly string[],
  ): Promise<RoomId>;
}

// --- membership --------------------------------------------------------------------------------

export interface MemberChange {
  readonly by: Actor;
  readonly roomId: RoomId;
  readonly reason?: string | undefined;
  /** Further keys of the member event. Keys that only a server may set are dropped. */
  readonly content?: JsonObject | undefined;
  /** As in SendMessage; passed over where another server makes the event. */
  readonly originServerTs?: number | undefined;
}

export interface RoomMembers {
  /**
   * POST /join/{roomIdOrAlias}, POST /rooms/{roomId}/join. When no user of this server is in the
   * room, the join goes through another server: one of `via`, the inviter's, or the alias's.
   * `content` adds keys to the member event.
   */
  join(request: {
    readonly by: Actor;
    readonly room: RoomId | RoomAlias;
    readonly via?: readonly ServerName[] | undefined;
    readonly reason?: string | undefined;
    readonly thirdPartySigned?: JsonObject | undefined;
    readonly content?: JsonObject | undefined;
    readonly originServerTs?: number | undefined;
  }): Promise<RoomId>;
  /** POST /knock/{roomIdOrAlias}. */
  knock(request: {
    readonly by: Actor;
    readonly room: RoomId | RoomAlias;
    readonly via?: readonly ServerName[] | undefined;
    readonly reason?: string | undefined;
    readonly content?: JsonObject | undefined;
    readonly originServerTs?: number | undefined;
  }): Promise<RoomId>;
  /** POST /rooms/{roomId}/invite. */
  invite(
    request: MemberChange & {
      readonly userId: UserId;
      readonly isDirect?: boolean;
      /** What an identity server has signed: an invite by address becomes one of this user. */
      readonly thirdPartyInvite?: JsonObject;
    },
  ): Promise<void>;
  /**
   * POST /rooms/{roomId}/leave: leaves, rejects an invite, or withdraws a knock. No error when the
   * user is already out.
   */
  leave(request: MemberChange): Promise<void>;
  /** POST /rooms/{roomId}/kick. */
  kick(request: MemberChange & { readonly userId: UserId }): Promise<void>;
  /** POST /rooms/{roomId}/ban. */
  ban(request: MemberChange & { readonly userId: UserId }): Promise<void>;
  /** POST /rooms/{roomId}/unban. */
  unban(request: MemberChange & { readonly userId: UserId }): Promise<void>;
  /** POST /rooms/{roomId}/forget. M_UNKNOWN 400 while joined. */
  forget(by: Actor, roomId: RoomId): Promise<void>;
  /** A profile changed: sends new member events to the user's joined rooms, in the background. */
  profileChanged(userId: UserId): Promise<void>;
}

/** What member events need of the profiles of local users. */
export type MemberProfiles = Pick<Profiles, "get">;

// --- directory ---------------------------------------------------------------------------------

export interface PublicRoom {
  readonly room_id: RoomId;
  readonly canonical_alias?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly avatar_url?: string;
  readonly join_rule?: string;
  readonly room_type?: string;
  readonly num_joined_members: number;
  readonly world_readable: boolean;
  readonly guest_can_join: boolean;
}

export interface PublicRoomsPage {
  readonly chunk: readonly PublicRoom[];
  readonly next_batch?: string;
  readonly prev_batch?: string;
  readonly total_room_count_estimate: number;
}

export interface PublicRoomsQuery {
  readonly limit?: number | undefined;
  readonly since?: string | undefined;
  readonly searchTerm?: string | undefined;
  /** null in the list selects rooms without a type. */
  readonly roomTypes?: readonly (string | null)[] | undefined;
  /** The rooms of this network of an application service only: `service|network`. */
  readonly network?: string | undefined;
  /** Those of all networks as well. */
  readonly allNetworks?: boolean | undefined;
}

export interface RoomDirectory {
  /**
   * Room and servers of an alias, ours or another server's. Application services are asked for one
   * that is not there, but not `asking`. M_NOT_FOUND 404; M_UNKNOWN 408 when a service does not
   * answer.
   */
  resolve(alias: RoomAlias, asking?: string): Promise<{ roomId: RoomId; servers: ServerName[] }>;
  /** The same for our aliases only (the federation's directory query). */
  resolveLocal(alias: RoomAlias): Promise<{ roomId: RoomId; servers: ServerName[] } | undefined>;
  /** PUT /directory/room/{alias}. 409 M_UNKNOWN when taken. */
  setAlias(by: Actor, alias: RoomAlias, roomId: RoomId): Promise<void>;
  /**
   * DELETE /directory/room/{alias}: allowed for its creator, and for whoever may send
   * m.room.canonical_alias in the room, and for administrators of this server.
   */
  deleteAlias(by: Actor, alias: RoomAlias): Promise<void>;
  /** GET /rooms/{roomId}/aliases: for members, administrators, or anyone in a world-readable room. */
  aliases(by: Actor, roomId: RoomId): Promise<RoomAlias[]>;
  isPublished(roomId: RoomId): Promise<boolean>;
  /**
   * PUT /directory/list/room/{roomId}; M_FORBIDDEN unless the user may send m.room.canonical_alias,
   * or is an administrator of this server.
   */
  setPublished(by: Actor, roomId: RoomId, published: boolean): Promise<void>;
  /**
   * PUT /directory/list/appservice/{networkId}/{roomId}: lists a room in a directory of an
   * application service. M_NOT_FOUND 404.
   */
  setListed(
    network: { readonly service: string; readonly networkId: string },
    roomId: RoomId,
    isListed: boolean,
  ): Promise<void>;
  /** This server's published rooms, the biggest first. */
  publicRooms(query: PublicRoomsQuery): Promise<PublicRoomsPage>;
}
