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

/** The log: the one order of everything that clients, other servers and replicas can observe. */
export interface Log {
  /**
   * Commits in groups, in the order given. Resolves when it is on disk and `position` has reached
   * it. Rejects with StaleHead, FailedDependency, DuplicateEvent, DuplicateTransaction,
   * PurgedDependency, Unstorable or LogUnavailable.
   */
  append(append: Append): Promise<Committed>;
  /**
   * Changes other tables in a transaction that also adds records to the log: both or neither. The
   * work may run again after a conflict with another transaction, so it reads and writes through
   * its `tx` only. Resolves when it is on disk and `position` has reached it. Rejects with what the
   * work throws, and with the database's errors.
   */
  change<T>(work: (change: Change) => Promise<T>): Promise<T>;
  /** Everything up to here is committed, visible in the tables, and delivered to the readers. */
  readonly position: number;
  /**
   * Up to `limit` records of these kinds after a position, oldest first, from memory or from the
   * tables. Fewer than `limit` means that these were all up to `position` at the time of the call.
   */
  read<K extends RecordKind>(
    after: number,
    limit: number,
    kinds: readonly K[],
  ): Promise<readonly RecordOf<K>[]>;
  /**
   * Resolves when everything that any replica committed before the call is at or below `position`.
   * Undefined when this process is the only writer: then that is always so. Never rejects: gives up
   * when the database does not answer.
   */
  fresh(): Promise<void> | undefined;
  /**
   * Calls the reader with new records of its kinds, in order and without gaps, whichever replica
   * wrote them. Returns the function that ends that.
   */
  follow<K extends RecordKind>(reader: LogReader<K>): () => void;
  /**
   * Calls the listener after the readers, each time that `position` has moved, with or without
   * records.
   */
  onMove(listener: () => void): () => void;
  /** Finishes what was handed over and closes the writer's connection. */
  stop(): Promise<void>;
}

/** A transaction that also adds records to the log. */
export interface Change {
  readonly tx: Tx;
  /** Adds a record to the log when the transaction is committed. */
  record(record: NewRecord): void;
}

/**
 * When a reader is called: all caches before all others, since the others use the caches. Within a
 * phase the order is undefined.
 */
export type LogPhase = "caches" | "readers";

export interface LogReader<K extends RecordKind> {
  readonly phase: LogPhase;
  /** It gets records of these kinds only. */
  readonly kinds: readonly K[];
  /**
   * Called with new records of its kinds, oldest first, at least one. Errors that it throws are
   * only logged.
   */
  take(records: readonly RecordOf<K>[]): void;
}

/**
 * What happened at a position. A row of a stream that was written again appears only at its newest
 * position.
 */
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
  /** The event changed the room's current state. */
  stateChanged: boolean;
  /** Its changes to the room's members, including effects of state resolution. */
  memberships: readonly MembershipChange[];
  /**
   * It was read from the tables, and changed the state: those of its changes are missing in
   * `memberships` whose rows have been written again since.
   */
  mayLackMemberships?: boolean;
  /** Its sender is a local user. */
  local: boolean;
  /**
   * A remote event that this server forwards to the room's other servers: it came through send_join
   * or the like.
   */
  forwarded: boolean;
  /** An event of ours that another server accepted and sends to the others. */
  handedOver: boolean;
  /** Prev events of it were missing when it arrived: there may be a gap before it. */
  afterGap: boolean;
  redactedBy: number | null;
}

/**
 * A membership changed without a live event: an invite, knock or leave in a room that this server
 * is not in.
 */
export interface MembershipRecord extends MembershipChange {
  kind: "membership";
  position: number;
}
