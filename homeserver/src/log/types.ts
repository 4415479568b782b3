import type { RoomEvent } from "../protocol/events/event.ts";
import type { Append, Committed, EventStatus, MembershipChange } from "../storage/streams/types.ts";

export {
  DuplicateEvent,
  DuplicateTransaction,
  FailedGround,
  isOvertaken,
  LogUnavailable,
  nextHeadVersion,
  PurgedGround,
  StaleHead,
  Unstorable,
} from "../storage/streams/types.ts";
export type {
  Append,
  Committed,
  HeadMove,
  MembershipChange,
  NewEvent,
  PartialRoomChange,
  ReceiptRow,
  RedactionRow,
  Timeline,
} from "../storage/streams/types.ts";

/** The one ordered log. */
export interface Log {
  /**
   * Commits in groups, in the order given. Resolves when it is on disk and `position` has reached it.
   * Rejects with StaleHead, FailedGround, DuplicateEvent, DuplicateTransaction, PurgedGround, Unstorable or
   * LogUnavailable.
   */
  append(append: Append): Promise<Committed>;
  /** Everything up to here is committed, visible in the tables, and was told to listeners. */
  readonly position: number;
  /**
   * Up to `limit` records after a position, oldest first: from memory, otherwise from the tables. Fewer than
   * `limit` means that these were all up to the `position` at the time of the call.
   */
  read(after: number, limit: number): Promise<readonly LogRecord[]>;
  /**
   * Resolves when all that any replica committed before the call is at or below `position`. Undefined where this
   * process is the only writer: then it is so at once. Never rejects: gives up when the database does not answer.
   */
  fresh(): Promise<void> | undefined;
  /** Calls the listener with new records, in order and without gaps, whichever replica wrote them. */
  onAdvance(listener: AdvanceListener): () => void;
  /** Finishes what was handed over and closes the writer's connection. */
  stop(): Promise<void>;
}

/** `position` is the log's new one; it may move with no records. */
export type AdvanceListener = (records: readonly LogRecord[], position: number) => void;

/** What happened at a position. A receipt or account data replaced since is told only at its newest position. */
export type LogRecord =
  | EventRecord
  | MembershipRecord
  | ReceiptRecord
  | AccountDataRecord
  | ErasureRecord
  | ForgottenRecord
  | PurgeRecord
  | PartialStateRecord;

/** A live event was appended to a room's timeline. */
export interface EventRecord {
  kind: "event";
  position: number;
  roomNid: number;
  roomId: string;
  eventNid: number;
  event: RoomEvent;
  status: EventStatus;
  /** Roots of state trees, 32 hexadecimal digits; null: none. */
  stateBefore: string | null;
  stateAfter: string | null;
  /** The room's current state right after it. */
  stateRoot: string | null;
  /** The room's current state is another than before this event. */
  stateChanged: boolean;
  /** What it did to the room's members, effects of state resolution included. */
  memberships: readonly MembershipChange[];
  /** Its sender is a user of this server. */
  local: boolean;
  /** Its sender is not, and this server sends it on to the room's other servers: it came by send_join or the like. */
  forwarded: boolean;
  /** An event of ours that another server has taken: that one sends it to the others. */
  handedOver: boolean;
  /** Prev events of it were missing when it came: between it and the live event before may be others. */
  afterGap: boolean;
  redactedBy: number | null;
}

/** A membership changed without a live event: an invite, knock or leave of a room that this server isn't in. */
export interface MembershipRecord extends MembershipChange {
  kind: "membership";
  position: number;
}

/** A room's state is known in part from here on, or (`isComplete`) whole again: states of its events have changed. */
export interface PartialStateRecord {
  kind: "partial_state";
  position: number;
  roomNid: number;
  roomId: string;
  isComplete: boolean;
}

/** Rows of a room are gone from the tables: memory of them is to go, too. */
export interface PurgeRecord {
  kind: "purge";
  position: number;
  roomNid: number;
  roomId: string;
  /** The room is gone; otherwise a part of its history. */
  whole: boolean;
}

export interface ReceiptRecord {
  kind: "receipt";
  position: number;
  roomNid: number;
  roomId: string;
  userId: string;
  receiptType: string;
  threadId: string;
  eventId: string;
  eventPosition: number | null;
  ts: number;
}

/** An account of this server was erased: who comes into a room later has redacted copies of the user's events. */
export interface ErasureRecord {
  kind: "erasure";
  position: number;
  userId: string;
}

/** A user forgot a room that they are out of. */
export interface ForgottenRecord {
  kind: "forgotten";
  position: number;
  roomNid: number;
  roomId: string;
  userId: string;
}

export interface AccountDataRecord {
  kind: "account_data";
  position: number;
  userId: string;
  /** null: global. */
  roomNid: number | null;
  type: string;
  /** JSON object text. */
  content: string;
}
