/** The room engine's queries, for sync, client-api and other layers. */
import type { Filter } from "../../protocol/filter.ts";
import type { EventId, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Membership, Room, RoomSummary, StateRoot, StoredEvent } from "./base.ts";

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

/**
 * An event that a reader may see, with the reader's membership when it was sent
 * (unsigned.membership).
 */
export interface VisibleEvent {
  readonly stored: StoredEvent;
  readonly membership: Membership;
}

/** For whom events are turned into client JSON. */
export interface Reader {
  readonly userId: UserId;
  readonly deviceId?: string | undefined;
}

export interface PartialRoom {
  /** The room's full member list is known by now. */
  readonly isComplete: boolean;
  /** Log position at which the room became partial, or complete. */
  readonly position: number;
  /** Servers in the room, as listed by the server that accepted our join. */
  readonly servers: readonly ServerName[];
}

export interface RoomView {
  room(roomId: RoomId): Promise<Room | undefined>;
  rooms(roomNids: readonly number[]): Promise<Map<number, Room>>;

  /** Events by nid, from the cache or one query. Unknown nids are absent from the map. */
  events(nids: readonly number[]): Promise<Map<number, StoredEvent>>;
  /** The same from memory only, in the given order; undefined when one of them is not cached. */
  peekEvents(nids: readonly number[]): StoredEvent[] | undefined;
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

  /** Current state events of one type in many rooms, at most `limit` of each: room nid → events. */
  currentStateOfType(
    roomNids: readonly number[],
    type: string,
    limit: number,
  ): Promise<Map<number, StoredEvent[]>>;

  /** State at a root: all, or selected. */
  stateAt(root: StateRoot, selector?: StateSelector): Promise<StoredEvent[]>;
  stateEventsAt(
    root: StateRoot,
    keys: readonly (readonly [type: string, stateKey: string])[],
  ): Promise<StoredEvent[]>;
  /** The same from memory only; undefined when it is not cached. */
  peekState(
    root: StateRoot,
    keys: readonly (readonly [type: string, stateKey: string])[],
  ): StoredEvent[] | undefined;
  /**
   * What differs in `to` from `from`; removed keys are in `removed`. The cost grows with the
   * difference, not with the state.
   */
  stateDelta(
    from: StateRoot,
    to: StateRoot,
  ): Promise<{ changed: StoredEvent[]; removed: [type: string, stateKey: string][] }>;
  /**
   * The room's current state root as of a log position (of its last live event up to there).
   * Concurrent calls share one query.
   */
  rootAt(roomNid: number, position: number): Promise<StateRoot>;

  /** A user's rooms; forgotten ones included only on request. */
  membershipsOf(userId: UserId, options?: { forgotten?: boolean }): Promise<MembershipRow[]>;
  membership(roomNid: number, userId: UserId): Promise<MembershipRow | undefined>;
  /**
   * The event that ended the last membership of a user who is out: a leave, kick or ban. Undefined
   * when the user never joined.
   */
  endOfMembership(row: MembershipRow): Promise<StoredEvent | undefined>;
  joinedMembers(roomNid: number): Promise<UserId[]>;
  joinedServers(roomNid: number): Promise<ServerName[]>;
  /** How many users of a server are joined. */
  joinedOfServer(roomNid: number, server: ServerName): Promise<number>;
  /**
   * Those of the rooms that were joined with partial state, whether or not it is complete by now.
   */
  partialRooms(roomNids: readonly number[]): Promise<Map<number, PartialRoom>>;
  /** Those of `others` who share a room with the user: both are joined to it. */
  sharesRoom(userId: UserId, others: readonly UserId[]): Promise<Set<UserId>>;
  /** The rooms that two users are joined to, by nid. */
  sharedRooms(userId: UserId, other: UserId): Promise<number[]>;
  /** Joined and invited counts, and up to five heroes (not `userId`), for m.heroes & co. */
  summary(
    roomNid: number,
    userId: UserId,
  ): Promise<{ joined: number; invited: number; heroes: UserId[] }>;
  /** What those who may know of them are shown of rooms, by nid. Who may is not asked. */
  summaries(roomNids: readonly number[]): Promise<Map<number, RoomSummary>>;
  /**
   * Stripped state of an invite or knock: what the other server sent with it, or the current state
   * when this server is in the room.
   */
  strippedState(roomNid: number, userId: UserId): Promise<JsonObject[]>;

  /**
   * The events that the user may see by the history visibility rules, in the given order. A fixed
   * number of queries, however many events there are.
   */
  visibleTo(userId: UserId, events: readonly StoredEvent[]): Promise<VisibleEvent[]>;
  /** Whether a message has ended, so that nobody may see it any more. (MSC1763.) */
  isOver(stored: StoredEvent): boolean;

  /**
   * The events that have relations matching the filter (related_by_*); all of them when the filter
   * does not ask.
   */
  related(
    userId: UserId,
    filter: Filter | undefined,
    events: readonly VisibleEvent[],
  ): Promise<readonly VisibleEvent[]>;

  /**
   * State events as this user may have them: member events of erased users are redacted for users
   * who joined later.
   */
  stateFor(userId: UserId, events: readonly StoredEvent[]): Promise<readonly StoredEvent[]>;
  /** The root of the thread that an event belongs to; undefined in the main timeline. */
  threadOf(stored: StoredEvent): Promise<EventId | undefined>;
  /** Whether a receipt in the thread ("main", or its root) may point at the event. */
  isInThread(threadId: string, stored: StoredEvent): Promise<boolean>;

  /**
   * Client JSON texts in order: serialised once and cached; `unsigned` (age, transaction_id,
   * membership, prev_content, redacted_because, m.relations) is spliced in.
   */
  present(events: readonly VisibleEvent[], reader: Reader): Promise<string[]>;
  /**
   * The same texts, made once for all joined readers except the events' senders. Undefined when a
   * text depends on the reader (relations) or is not in memory. Message events only.
   */
  presentToOthers(events: readonly StoredEvent[]): string[] | undefined;
  /**
   * Client JSON for an application service, which is told of all events where it is interested:
   * `unsigned` has age, prev_content and redacted_because. `sender` is the user that it acts as.
   */
  presentToService(events: readonly StoredEvent[], sender: UserId): Promise<string[]>;
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
  /** True when there are more events beyond this page, in the direction of reading. */
  readonly more: boolean;
}

/** A range of a room's live events: after < position ≤ upTo. */
export interface LiveRange {
  readonly roomNid: number;
  readonly after: number;
  readonly upTo: number;
}

export interface LiveEvents {
  /** Oldest first. */
  readonly events: StoredEvent[];
  /** Older events of the range were left out. */
  readonly limited: boolean;
  /**
   * Position of the newest live event in the range that arrived with missing prev events: a gap
   * lies before it, so older events are not its direct predecessors. It counts even when the reader
   * does not see it.
   */
  readonly gapAt?: number | undefined;
}

interface MessagesPage {
  readonly chunk: string[];
  readonly start: string;
  readonly end?: string | undefined;
  /** Member events of the chunk's senders, when lazy loading is asked. */
  readonly state: string[];
}

export interface RoomHistory {
  /**
   * The room's timeline, without visibility rules. `before`: everything up to and including the
   * place, newest first; `after`: everything beyond the place, oldest first.
   */
  timeline(
    roomNid: number,
    range: { before?: TimelinePlace; after?: TimelinePlace; limit: number },
  ): Promise<TimelinePage>;
  /** The newest `limit` live events of a range, oldest first. Concurrent calls share one query. */
  recent(range: LiveRange, limit: number): Promise<LiveEvents>;
  /** GET /rooms/{roomId}/messages for a reader; gaps are backfilled from other servers. */
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
  /**
   * What stands around an event that the reader may see, as far as it is here: `before` newest
   * first. M_FORBIDDEN 403 for who may not read the room.
   */
  around(
    reader: Reader,
    roomId: RoomId,
    event: VisibleEvent,
    limits: { readonly before: number; readonly after: number },
  ): Promise<{
    before: string[];
    after: string[];
    events: VisibleEvent[];
    start: string;
    end: string;
  }>;
  /**
   * GET /rooms/{roomId}/timestamp_to_event: the event closest to `ts` (ms since 1970, inclusive),
   * forwards or backwards. Asks other servers when local history is missing there. M_NOT_FOUND 404.
   */
  closestTo(
    reader: Reader,
    roomId: RoomId,
    moment: { ts: number; dir: "f" | "b" },
  ): Promise<{ eventId: EventId; originServerTs: number }>;
  /**
   * GET /rooms/{roomId}/event/{eventId}: client JSON. M_NOT_FOUND 404, also when the user may not
   * see the event.
   */
  event(reader: Reader, roomId: RoomId, eventId: EventId): Promise<string>;
  /** The same as a stored event, for reports, receipts and relations. */
  visibleEvent(userId: UserId, roomId: RoomId, eventId: EventId): Promise<StoredEvent>;
  /**
   * GET /rooms/{roomId}/state: the current state for members, the state at departure for users who
   * left. M_FORBIDDEN 403.
   */
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
  /**
   * GET /rooms/{roomId}/joined_members: user → {display_name, avatar_url}, null where they have
   * none.
   */
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
      recurse?: boolean | undefined;
    },
  ): Promise<{
    chunk: string[];
    next_batch?: string;
    prev_batch?: string;
    recursion_depth?: number;
  }>;
  /** GET /rooms/{roomId}/threads: thread roots, ordered by their newest reply. */
  threads(
    reader: Reader,
    roomId: RoomId,
    query: {
      include?: "all" | "participated" | undefined;
      from?: string | undefined;
      limit?: number | undefined;
    },
  ): Promise<{ chunk: string[]; next_batch?: string }>;
}
