/**
 * The room engine's public face: what sync, client-api and the others may call.
 * Errors are `MatrixError`s, ready for the client; the federation side is in `types-federation.ts`.
 */
import type { EventId, RoomAlias, RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { RoomEvent } from "../protocol/event.ts";
import type { Filter } from "../protocol/filter.ts";
import type { RoomVersion } from "../protocol/room-versions.ts";
import type { RoomFederation } from "./types-federation.ts";

/** Root of a state tree: 32 hex digits, or null for "no state" (before a create event, or not known). */
export type StateRoot = string | null;

export type Membership = "join" | "invite" | "leave" | "ban" | "knock";

export interface Room {
  readonly nid: number;
  readonly roomId: RoomId;
  readonly version: RoomVersion;
}

/** An event as this server holds it: the event and its place in room and log. */
export interface StoredEvent {
  readonly nid: number;
  readonly roomNid: number;
  readonly event: RoomEvent;
  /** Log position; for history, of the event it was filled in front of; null for an outlier. */
  readonly position: number | null;
  /** 0 for live events, negative for history. (position, ordinal) orders the timeline. */
  readonly ordinal: number;
  readonly status: "accepted" | "soft-failed" | "rejected";
  readonly stateBefore: StateRoot;
  readonly stateAfter: StateRoot;
  /** The room's current state right after this event came (live events only). */
  readonly roomState: StateRoot;
  /** nid of the redaction that was applied. */
  readonly redactedBy: number | null;
}

/** Who acts. `deviceId` and `txnId` make a request idempotent; `asServer` skips nothing. */
export interface Actor {
  readonly userId: UserId;
  readonly deviceId?: string | undefined;
}

export interface Rooms {
  readonly send: RoomSend;
  readonly create: RoomCreate;
  readonly members: RoomMembers;
  readonly directory: RoomDirectory;
  readonly view: RoomView;
  readonly history: RoomHistory;
  readonly federation: RoomFederation;
  /** Waits for commands under way and lets go of memory. */
  stop(): Promise<void>;
}

// --- sending -----------------------------------------------------------------------------------

export interface SendMessage {
  readonly by: Actor;
  readonly roomId: RoomId;
  readonly type: string;
  readonly content: JsonObject;
  /** Client's transaction id; repeats from the same device answer the first one's event id. */
  readonly txnId?: string | undefined;
  /** ms since 1970; application services may choose it. */
  readonly originServerTs?: number | undefined;
}

export interface RoomSend {
  /** PUT /rooms/{roomId}/send/{type}/{txnId}. M_FORBIDDEN 403 by the auth rules, M_NOT_FOUND 404, M_TOO_LARGE 413. */
  message(message: SendMessage): Promise<EventId>;
  /**
   * PUT /rooms/{roomId}/state/{type}/{stateKey}. Equal content of the same sender answers the present event.
   * Checks m.room.canonical_alias (M_BAD_ALIAS, M_INVALID_PARAM); member events go through RoomMembers' rules too.
   */
  state(message: SendMessage & { readonly stateKey: string }): Promise<EventId>;
  /** PUT /rooms/{roomId}/redact/{eventId}/{txnId}. Own events by anyone, others' by the redact level. */
  redact(request: {
    readonly by: Actor;
    readonly roomId: RoomId;
    readonly eventId: EventId;
    readonly reason?: string | undefined;
    readonly content?: JsonObject | undefined;
    readonly txnId?: string | undefined;
  }): Promise<EventId>;
}

// --- creating ----------------------------------------------------------------------------------

/** The body of POST /createRoom, checked for shape by the caller. */
export interface CreateRoomOptions {
  readonly visibility?: "public" | "private";
  readonly room_alias_name?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly invite?: readonly string[];
  readonly invite_3pid?: readonly JsonObject[];
  readonly room_version?: string;
  readonly creation_content?: JsonObject;
  readonly initial_state?: readonly { type: string; state_key?: string; content: JsonObject }[];
  readonly preset?: "private_chat" | "public_chat" | "trusted_private_chat";
  readonly is_direct?: boolean;
  readonly power_level_content_override?: JsonObject;
}

export interface RoomCreate {
  /** POST /createRoom. M_UNSUPPORTED_ROOM_VERSION, M_INVALID_ROOM_STATE, M_ROOM_IN_USE (all 400). */
  room(by: Actor, options: CreateRoomOptions): Promise<RoomId>;
  /** POST /rooms/{roomId}/upgrade; answers the new room. */
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
}

export interface RoomMembers {
  /**
   * POST /join/{roomIdOrAlias}, POST /rooms/{roomId}/join. Joins by another server (`via`, or the invite's, alias's)
   * when none of ours is in the room. `content` adds keys to the member event.
   */
  join(request: {
    readonly by: Actor;
    readonly room: RoomId | RoomAlias;
    readonly via?: readonly ServerName[] | undefined;
    readonly reason?: string | undefined;
    readonly thirdPartySigned?: JsonObject | undefined;
    readonly content?: JsonObject | undefined;
  }): Promise<RoomId>;
  /** POST /knock/{roomIdOrAlias}. */
  knock(request: {
    readonly by: Actor;
    readonly room: RoomId | RoomAlias;
    readonly via?: readonly ServerName[] | undefined;
    readonly reason?: string | undefined;
  }): Promise<RoomId>;
  /** POST /rooms/{roomId}/invite. */
  invite(
    request: MemberChange & { readonly userId: UserId; readonly isDirect?: boolean },
  ): Promise<void>;
  /** POST /rooms/{roomId}/leave: leaves, rejects an invite or takes back a knock. No error when already out. */
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

/** Where the engine gets a local user's display name and avatar for member events. */
export interface Profiles {
  get(userId: UserId): Promise<{ displayname?: string; avatar_url?: string }>;
}

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
  /** null in the list stands for rooms without a type. */
  readonly roomTypes?: readonly (string | null)[] | undefined;
}

export interface RoomDirectory {
  /** Room and servers of an alias, ours or another server's. M_NOT_FOUND 404. */
  resolve(alias: RoomAlias): Promise<{ roomId: RoomId; servers: ServerName[] }>;
  /** The same for our aliases only (the federation's directory query). */
  resolveLocal(alias: RoomAlias): Promise<{ roomId: RoomId; servers: ServerName[] } | undefined>;
  /** PUT /directory/room/{alias}. 409 M_UNKNOWN when taken. */
  setAlias(by: Actor, alias: RoomAlias, roomId: RoomId): Promise<void>;
  /** DELETE /directory/room/{alias}: its maker, or who may send m.room.canonical_alias there. */
  deleteAlias(by: Actor, alias: RoomAlias): Promise<void>;
  /** GET /rooms/{roomId}/aliases: for members, or anyone in a world-readable room. */
  aliases(by: Actor, roomId: RoomId): Promise<RoomAlias[]>;
  isPublished(roomId: RoomId): Promise<boolean>;
  /** PUT /directory/list/room/{roomId}; M_FORBIDDEN unless the user may send m.room.canonical_alias. */
  setPublished(by: Actor, roomId: RoomId, published: boolean): Promise<void>;
  /** This server's published rooms, the biggest first. */
  publicRooms(query: PublicRoomsQuery): Promise<PublicRoomsPage>;
}

// --- reading -----------------------------------------------------------------------------------

export interface StateSelector {
  /** Exactly these types; all when absent. */
  readonly types?: readonly string[];
  /** Of m.room.member only these users (lazy loading); all when absent. */
  readonly members?: readonly string[];
}

export interface MembershipRow {
  readonly roomNid: number;
  readonly userId: UserId;
  readonly membership: Membership;
  readonly eventNid: number;
  /** Log position at which it became so. */
  readonly position: number;
  readonly forgotten: boolean;
}

/** An event that a reader may see, with the reader's membership when it was sent (unsigned.membership). */
export interface ReadableEvent {
  readonly stored: StoredEvent;
  readonly membership: Membership;
}

/** For whom events are turned into client JSON. */
export interface Reader {
  readonly userId: UserId;
  readonly deviceId?: string | undefined;
}

export interface RoomView {
  room(roomId: RoomId): Promise<Room | undefined>;
  rooms(roomNids: readonly number[]): Promise<Map<number, Room>>;

  /** Events by nid, from cache or one query. Absent ones are absent from the map. */
  events(nids: readonly number[]): Promise<Map<number, StoredEvent>>;
  eventsById(ids: readonly EventId[]): Promise<Map<EventId, StoredEvent>>;

  /** The room's current state, one query (or none, when the room is in memory). */
  currentState(roomNid: number, selector?: StateSelector): Promise<StoredEvent[]>;
  currentStateEvent(
    roomNid: number,
    type: string,
    stateKey: string,
  ): Promise<StoredEvent | undefined>;
  /** Current state events of these (type, key) in many rooms at once: room nid → events. */
  currentStateOfRooms(
    roomNids: readonly number[],
    keys: readonly (readonly [type: string, stateKey: string])[],
  ): Promise<Map<number, StoredEvent[]>>;

  /** State at a root: all, or selected. */
  stateAt(root: StateRoot, selector?: StateSelector): Promise<StoredEvent[]>;
  stateEventsAt(
    root: StateRoot,
    keys: readonly (readonly [type: string, stateKey: string])[],
  ): Promise<StoredEvent[]>;
  /** What holds in `to` and not in `from`; keys that are gone are in `removed`. Costs what differs. */
  stateDelta(
    from: StateRoot,
    to: StateRoot,
  ): Promise<{ changed: StoredEvent[]; removed: [type: string, stateKey: string][] }>;
  /** The room's current state root as of a log position (of its last live event up to there). */
  rootsAt(roomNids: readonly number[], position: number): Promise<Map<number, StateRoot>>;

  /** A user's rooms; forgotten ones included only on request. */
  membershipsOf(userId: UserId, options?: { forgotten?: boolean }): Promise<MembershipRow[]>;
  membership(roomNid: number, userId: UserId): Promise<MembershipRow | undefined>;
  joinedMembers(roomNid: number): Promise<UserId[]>;
  joinedServers(roomNid: number): Promise<ServerName[]>;
  /** Rooms that two users are both joined to; of one user with many. */
  sharesRoom(userId: UserId, others: readonly UserId[]): Promise<Set<UserId>>;
  /** Joined and invited counts, and up to five heroes (not `userId`), for m.heroes & co. */
  summary(
    roomNid: number,
    userId: UserId,
  ): Promise<{ joined: number; invited: number; heroes: UserId[] }>;
  /** Stripped state of an invite or knock (of an unknown room, or made from the current state). */
  strippedState(roomNid: number, userId: UserId): Promise<JsonObject[]>;

  /**
   * Those of the events that the user may see, by the history visibility rules, in the given order.
   * Bulk: a fixed number of queries whatever the number of events.
   */
  readable(userId: UserId, events: readonly StoredEvent[]): Promise<ReadableEvent[]>;

  /**
   * Client JSON texts in order: serialised once and cached; `unsigned` (age, transaction_id, membership,
   * prev_content, redacted_because, m.relations) is spliced in.
   */
  present(events: readonly ReadableEvent[], reader: Reader): Promise<string[]>;
  /** Client JSON of state events (unsigned has age and prev_content only where cheap). */
  presentState(events: readonly StoredEvent[]): string[];
}

export interface TimelinePlace {
  readonly position: number;
  readonly ordinal: number;
}

export interface TimelinePage {
  /** In timeline order as asked: newest first when reading backwards. Accepted events only. */
  readonly events: StoredEvent[];
  /** True when events are left beyond this page in the direction read. */
  readonly more: boolean;
}

export interface MessagesPage {
  readonly chunk: string[];
  readonly start: string;
  readonly end?: string | undefined;
  /** Member events of the chunk's senders, when lazy loading is asked. */
  readonly state: string[];
}

export interface RoomHistory {
  /**
   * Timeline of a room, no visibility applied: `before` exclusive-inclusive as "everything ≤ place",
   * newest first; `after` as "everything > place", oldest first.
   */
  timeline(
    roomNid: number,
    range: { before?: TimelinePlace; after?: TimelinePlace; limit: number },
  ): Promise<TimelinePage>;
  /** The newest `limit` events of each room with after < position ≤ upTo, oldest first; one query. */
  recent(
    ranges: readonly { roomNid: number; after: number; upTo: number }[],
    limit: number,
  ): Promise<Map<number, { events: StoredEvent[]; limited: boolean }>>;
  /** GET /rooms/{roomId}/messages, for a reader; asks other servers where there is a gap. */
  messages(
    reader: Reader,
    roomId: RoomId,
    query: {
      from?: string | undefined;
      to?: string | undefined;
      dir: "b" | "f";
      limit?: number | undefined;
      filter?: Filter | undefined;
    },
  ): Promise<MessagesPage>;
  /** GET /rooms/{roomId}/context/{eventId}. */
  context(
    reader: Reader,
    roomId: RoomId,
    eventId: EventId,
    query: { limit?: number | undefined; filter?: Filter | undefined },
  ): Promise<{
    event: string;
    events_before: string[];
    events_after: string[];
    state: string[];
    start: string;
    end: string;
  }>;
  /** GET /rooms/{roomId}/event/{eventId}: client JSON; M_NOT_FOUND 404 also when it may not be seen. */
  event(reader: Reader, roomId: RoomId, eventId: EventId): Promise<string>;
  /** The same without presenting, for reports, receipts and relations. */
  readableEvent(userId: UserId, roomId: RoomId, eventId: EventId): Promise<StoredEvent>;
  /** GET /rooms/{roomId}/state: of now for members, of the time of leaving for who left. M_FORBIDDEN 403. */
  state(userId: UserId, roomId: RoomId): Promise<StoredEvent[]>;
  /** GET /rooms/{roomId}/state/{type}/{key}. M_NOT_FOUND 404. */
  stateEvent(userId: UserId, roomId: RoomId, type: string, stateKey: string): Promise<StoredEvent>;
  /** GET /rooms/{roomId}/members. `at` is a token of ours. */
  members(
    userId: UserId,
    roomId: RoomId,
    query: {
      at?: string | undefined;
      membership?: string | undefined;
      notMembership?: string | undefined;
    },
  ): Promise<StoredEvent[]>;
  /** GET /rooms/{roomId}/joined_members: user → {display_name, avatar_url}. */
  joinedMembers(userId: UserId, roomId: RoomId): Promise<Map<UserId, JsonObject>>;
  /** GET /joined_rooms. */
  joinedRooms(userId: UserId): Promise<RoomId[]>;
  /** GET /rooms/{roomId}/relations/{eventId}[/{relType}[/{eventType}]]. */
  relations(
    reader: Reader,
    roomId: RoomId,
    eventId: EventId,
    query: {
      relType?: string | undefined;
      eventType?: string | undefined;
      from?: string | undefined;
      to?: string | undefined;
      dir?: "b" | "f" | undefined;
      limit?: number | undefined;
    },
  ): Promise<{ chunk: string[]; next_batch?: string; prev_batch?: string }>;
}

export type { Json };
