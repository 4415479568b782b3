import type { RoomEvent } from "../protocol/events/event.ts";
import type { Append, Committed, EventStatus, MembershipChange } from "../storage/append/types.ts";
import type { NewRecord, StreamRecord } from "../storage/streams/index.ts";
import type { Tx } from "../storage/sql.ts";

export {
  DuplicateEvent,
  DuplicateTransaction,
  FailedDependency,
  isOvertaken,
  LogUnavailable,
  nextHeadVersion,
  PurgedDependency,
  StaleHead,
} from "../storage/append/types.ts";
export { Unstorable } from "../storage/streams/text.ts";
export type {
  Append,
  Committed,
  HeadMove,
  MembershipChange,
  NewEvent,
  RedactionRow,
  Timeline,
} from "../storage/append/types.ts";
export type { NewRecord } from "../storage/streams/index.ts";
export type { PartialRoomChange } from "../storage/streams/partial-rooms.ts";
export type { ReceiptRow } from "../storage/streams/receipts.ts";

/** The one ordered log. */
export interface Log {
  /**
   * Commits in groups, in the order given. Resolves when it is on disk and `position` has reached it.
   * Rejects with StaleHead, FailedDependency, DuplicateEvent, DuplicateTransaction, PurgedDependency, Unstorable or
   * LogUnavailable.
   */
  append(append: Append): Promise<Committed>;
  /**
   * Changes tables beside the log in a transaction, and tells the log's readers in the same: both or neither. The work
   * may be run again where it clashed with another transaction, so it reads and writes through its `tx` only. Resolves
   * when it is on disk and `position` has reached it. Rejects with what the work throws, and the database's errors.
   */
  change<T>(work: (change: Change) => Promise<T>): Promise<T>;
  /** Everything up to here is committed, visible in the tables, and was told to readers. */
  readonly position: number;
  /**
   * Up to `limit` records of the kinds after a position, oldest first: from memory, otherwise from the tables. Fewer than
   * `limit` means that these were all up to the `position` at the time of the call.
   */
  read<K extends RecordKind>(
    after: number,
    limit: number,
    kinds: readonly K[],
  ): Promise<readonly RecordOf<K>[]>;
  /**
   * Resolves when all that any replica committed before the call is at or below `position`. Undefined where this
   * process is the only writer: then it is so at once. Never rejects: gives up when the database does not answer.
   */
  fresh(): Promise<void> | undefined;
  /**
   * Calls the reader with new records of its kinds, in order and without gaps, whichever replica wrote them. Returns what
   * ends that.
   */
  follow<K extends RecordKind>(reader: LogReader<K>): () => void;
  /** Calls the listener after the readers, each time that `position` has moved, with or without records. */
  onMove(listener: () => void): () => void;
  /** Finishes what was handed over and closes the writer's connection. */
  stop(): Promise<void>;
}

/** A transaction of the tables that the log tells of. */
export interface Change {
  readonly tx: Tx;
  /** Brings a record into the log, once the transaction is committed. */
  record(record: NewRecord): void;
}

/**
 * When a reader is called: all caches before all others, since those ask the caches. Within a phase the order means
 * nothing.
 */
export type LogPhase = "caches" | "readers";

export interface LogReader<K extends RecordKind> {
  readonly phase: LogPhase;
  /** What it is given; nothing else. */
  readonly kinds: readonly K[];
  /** New records of the kinds, oldest first: at least one. Throws nothing: what it throws is logged. */
  take(records: readonly RecordOf<K>[]): void;
}

/** What happened at a position. What was written again since in a stream is told only at its newest position. */
export type LogRecord = EventRecord | MembershipRecord | StreamRecord;
export type RecordKind = LogRecord["kind"];
export type RecordOf<K extends RecordKind> = Extract<LogRecord, { kind: K }>;
export type ReceiptRecord = RecordOf<"receipt">;
export type AccountDataRecord = RecordOf<"account_data">;

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
