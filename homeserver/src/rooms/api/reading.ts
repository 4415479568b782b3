/** The engine's readers: what sync, client-api and the others may ask. */
import type { Filter } from "../../protocol/filter.ts";
import type { EventId, RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Membership, Room, StateRoot, StoredEvent } from "./base.ts";

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

export interface PartialRoom {
  /** Its members are known by now. */
  readonly isComplete: boolean;
  /** Log position of the beginning, or of the completion. */
  readonly position: number;
  /** Servers in the room, as who let this server in told. */
  readonly servers: readonly ServerName[];
}

export interface RoomView {
  room(roomId: RoomId): Promise<Room | undefined>;
  rooms(roomNids: readonly number[]): Promise<Map<number, Room>>;

  /** Events by nid, from cache or one query. Absent ones are absent from the map. */
  events(nids: readonly number[]): Promise<Map<number, StoredEvent>>;
  /** The same from memory alone, in the given order; undefined when one of them is not there. */
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

  /** State at a root: all, or selected. */
  stateAt(root: StateRoot, selector?: StateSelector): Promise<StoredEvent[]>;
  stateEventsAt(
    root: StateRoot,
    keys: readonly (readonly [type: string, stateKey: string])[],
  ): Promise<StoredEvent[]>;
  /** The same from memory alone; undefined where it does not know. */
  peekState(
    root: StateRoot,
    keys: readonly (readonly [type: string, stateKey: string])[],
  ): StoredEvent[] | undefined;
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
  /** The event that ended the last stay of who is out: a leave, kick or ban. Undefined when they never were in. */
  endOfStay(row: MembershipRow): Promise<StoredEvent | undefined>;
  joinedMembers(roomNid: number): Promise<UserId[]>;
  joinedServers(roomNid: number): Promise<ServerName[]>;
  /** How many users of a server are joined. */
  joinedOfServer(roomNid: number, server: ServerName): Promise<number>;
  /** Those of the rooms that were joined with a part of their state, whole by now or not. */
  partialRooms(roomNids: readonly number[]): Promise<Map<number, PartialRoom>>;
  /** Rooms that two users are both joined to; of one user with many. */
  sharesRoom(userId: UserId, others: readonly UserId[]): Promise<Set<UserId>>;
  /** Joined and invited counts, and up to five heroes (not `userId`), for m.heroes & co. */
  summary(
    roomNid: number,
    userId: UserId,
  ): Promise<{ joined: number; invited: number; heroes: UserId[] }>;
  /** Stripped state of an invite or knock: what came with it, or, of a room that is here, the state as it was made. */
  strippedState(roomNid: number, userId: UserId): Promise<JsonObject[]>;

  /**
   * Those of the events that the user may see, by the history visibility rules, in the given order.
   * Bulk: a fixed number of queries whatever the number of events.
   */
  readable(userId: UserId, events: readonly StoredEvent[]): Promise<ReadableEvent[]>;

  /** Those of the events to which others are related as the filter asks; all when it does not ask. */
  related(
    userId: UserId,
    filter: Filter | undefined,
    events: readonly ReadableEvent[],
  ): Promise<readonly ReadableEvent[]>;

  /** State events as the user may have them: member events of erased users are redacted for who came later. */
  stateFor(userId: UserId, events: readonly StoredEvent[]): Promise<readonly StoredEvent[]>;
  /** The root of the thread that an event belongs to; undefined in the main timeline. */
  threadOf(stored: StoredEvent): Promise<EventId | undefined>;
  /** Whether a receipt in the thread ("main", or its root) may point at the event. */
  isInThread(threadId: string, stored: StoredEvent): Promise<boolean>;

  /**
   * Client JSON texts in order: serialised once and cached; `unsigned` (age, transaction_id, membership,
   * prev_content, redacted_because, m.relations) is spliced in.
   */
  present(events: readonly ReadableEvent[], reader: Reader): Promise<string[]>;
  /**
   * The same, once for all joined readers but the events' senders; undefined where the texts depend on the reader
   * (relations) or on what is not in memory. Message events only.
   */
  presentToOthers(events: readonly StoredEvent[]): string[] | undefined;
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

/** A stretch of a room's live events: after < position ≤ upTo. */
export interface LiveRange {
  readonly roomNid: number;
  readonly after: number;
  readonly upTo: number;
}

export interface LiveEvents {
  /** Oldest first. */
  readonly events: StoredEvent[];
  /** Older ones of the range were left out. */
  readonly limited: boolean;
  /**
   * Position of the newest live event of the range, shown or not, whose prev events were missing when it came: what is
   * older is not what came right before it.
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
   * Timeline of a room, no visibility applied: `before` exclusive-inclusive as "everything ≤ place",
   * newest first; `after` as "everything > place", oldest first.
   */
  timeline(
    roomNid: number,
    range: { before?: TimelinePlace; after?: TimelinePlace; limit: number },
  ): Promise<TimelinePage>;
  /** The newest `limit` live events of each range, oldest first; one query. */
  recent(ranges: readonly LiveRange[], limit: number): Promise<Map<number, LiveEvents>>;
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
  /**
   * GET /rooms/{roomId}/timestamp_to_event: the event closest to `ts` (ms since 1970, included), forwards or backwards;
   * asks other servers where history is missing there. M_NOT_FOUND 404.
   */
  closestTo(
    reader: Reader,
    roomId: RoomId,
    moment: { ts: number; dir: "f" | "b" },
  ): Promise<{ eventId: EventId; originServerTs: number }>;
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
  /** GET /rooms/{roomId}/joined_members: user → {display_name, avatar_url}, null where they have none. */
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
  /** GET /rooms/{roomId}/threads: the roots, those of the newest reply first. */
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
