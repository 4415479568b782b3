import type { Random } from "../../platform/random.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { NewRecord } from "../streams/index.ts";
import type { Returned } from "../streams/stream.ts";

/**
 * Everything that one command commits, all or nothing. What readers of the log follow besides a
 * room's events and members is in `records` and belongs to a stream (`streams/`). Further kinds of
 * rows that nobody follows are added here and in `row-kinds.ts`.
 */
export interface Append {
  /**
   * Moves the room's head; the whole append fails with StaleHead when another writer was faster.
   */
  head?: HeadMove;
  events?: readonly NewEvent[];
  /**
   * nids of events, committed or pending, whose states share nodes with this append's states. If
   * one was purged, the append fails with PurgedDependency, because those nodes may be gone. If one
   * fails to commit, the append fails, too.
   */
  statesOf?: readonly number[];
  /**
   * nids of events that were pending when the command read them, and that its rows name or share
   * states with. If one is not stored, its commit has failed, and so does this one, with
   * FailedDependency: the command has to run again.
   */
  dependsOn?: readonly number[];
  stateNodes?: readonly { hash: Buffer; data: Buffer }[];
  currentState?: {
    roomNid: number;
    /** `eventNid` null: the key is no longer set. */
    changes: readonly { type: string; stateKey: string; eventNid: number | null }[];
  };
  memberships?: readonly MembershipChange[];
  /** Idempotency key; a repeated one fails with DuplicateTransaction. */
  transaction?: { userId: string; deviceId: string; scope: string; txnId: string; eventId: string };
  redactions?: readonly RedactionRow[];
  missing?: {
    add?: readonly { roomNid: number; eventId: string; childNid: number }[];
    /** Missing events that arrived or were given up: all rows naming them are removed. */
    remove?: readonly { roomNid: number; eventId: string }[];
  };
  /** Rows of streams, in order. */
  records?: readonly NewRecord[];
  /** New states, and what follows from them, for stored events. */
  recomputed?: readonly RecomputedEvent[];
  /**
   * What was rejected because of these events has to be judged again; the row is removed
   * afterwards.
   */
  toRejudge?: readonly RejudgeRow[];
  /** Stripped state of rooms known by an invite or knock only; null removes it. */
  strippedRooms?: readonly StrippedRoomRow[];
}

/** `acceptedNid` 0: all rejected events of the room. */
export interface RejudgeRow {
  readonly roomNid: number;
  readonly acceptedNid: number;
}

interface StrippedRoomRow {
  roomNid: number;
  userId: string;
  strippedState: string | null;
  /** The server that sent the invite or took the knock. */
  origin?: string | undefined;
}

/** Compare and move of a room's head. */
export interface HeadMove {
  roomNid: number;
  /** The version that this command was built on; 0 creates the head. */
  expectedVersion: number;
  /** From `nextHeadVersion`. */
  version: number;
  /** nids of the forward extremities. */
  extremities: readonly number[];
  stateRoot: Buffer | null;
  depth: number;
}

/**
 * An event's place in its room's timeline: "live" takes the next log position; history goes in
 * front of the live event at `position`, with ordinals falling from -1; an outlier has none.
 */
export type Timeline = "live" | "outlier" | { position: number; ordinal: number };

export type EventStatus = "accepted" | "soft-failed" | "rejected";

export interface NewEvent {
  nid: number;
  roomNid: number;
  event: RoomEvent;
  timeline: Timeline;
  /** "accepted" unless given. */
  status?: EventStatus;
  /** Why it was soft-failed or rejected. */
  reason?: string;
  stateBefore: Buffer | null;
  stateAfter: Buffer | null;
  /** Root of the room's current state after this append (live events). */
  roomState?: Buffer | null;
  /** nids of the stored ones among its auth_events. */
  authNids: readonly number[];
  /** The event changes the room's current state. */
  stateChanged?: boolean;
  /** nid of an earlier redaction that is applied already (`event` is the redacted one). */
  redactedBy?: number;
  /** A remote event that this server forwards to the room's servers. */
  forwarded?: boolean;
  /** An event of ours that another server accepted and sends to the others. */
  handedOver?: boolean;
  /** The event is stored already, as an outlier with this nid, and now gets its place. */
  stored?: boolean;
}

export interface MembershipChange {
  roomNid: number;
  roomId: string;
  userId: string;
  membership: string;
  /** nid of the member event. */
  eventNid: number;
  /** Server part of the user id. */
  server: string;
  /** It holds since an earlier log position than this append's: followers are not told. */
  since?: number;
  /** The user was joined before; absent: that is not known, as for what is read from the tables. */
  wasJoined?: boolean;
}

interface RecomputedEvent {
  nid: number;
  status: EventStatus;
  reason?: string | undefined;
  stateBefore: Buffer | null;
  stateAfter: Buffer | null;
  roomState: Buffer | null;
}

export interface RedactionRow {
  targetEventId: string;
  redactionNid: number;
  /** The redacted JSON of the target, when the redaction is applied now. */
  redactedJson?: string;
}

/** The result of a committed append. */
export interface Committed {
  /** The log position that includes this append: whoever has read up to here has seen all of it. */
  position: number;
  /** nid → log position of the live events. */
  positions: ReadonlyMap<number, number>;
  /** What the statements of its records returned; see `Stream.returns`. */
  returned: readonly Returned[];
}

/**
 * Another writer moved the room's head, or a command that this one was built on failed: reload and
 * try again.
 */
export class StaleHead extends Error {
  override name = "StaleHead";
  readonly roomNid: number;
  constructor(roomNid: number) {
    super(`the head of room ${roomNid} was moved by another writer`);
    this.roomNid = roomNid;
  }
}

/** Events that the append was built on have been purged: forget them. */
export class PurgedDependency extends Error {
  override name = "PurgedDependency";
  readonly eventNids: readonly number[];
  constructor(eventNids: readonly number[]) {
    super(`the events ${eventNids.join(", ")}, which this is built on, have been purged`);
    this.eventNids = eventNids;
  }
}

/** Events that the append was built on have not been committed: run the command again. */
export class FailedDependency extends Error {
  override name = "FailedDependency";
  readonly eventNids: readonly number[];
  constructor(eventNids: readonly number[]) {
    super(`the events ${eventNids.join(", ")}, which this is built on, were not committed`);
    this.eventNids = eventNids;
  }
}

/** The event is stored already. */
export class DuplicateEvent extends Error {
  override name = "DuplicateEvent";
  readonly eventId: string;
  /** The nid that it is stored with. */
  readonly eventNid: number;
  constructor(eventId: string, eventNid: number) {
    super(`the event ${eventId} is stored already`);
    this.eventId = eventId;
    this.eventNid = eventNid;
  }
}

/** The client's request was executed before, with this event. */
export class DuplicateTransaction extends Error {
  override name = "DuplicateTransaction";
  readonly eventId: string;
  constructor(eventId: string) {
    super(`the transaction was answered before with ${eventId}`);
    this.eventId = eventId;
  }
}

/**
 * The log is stopped, or the database was unavailable for too long: whether the append was
 * committed is unknown.
 */
export class LogUnavailable extends Error {
  override name = "LogUnavailable";
}

/**
 * Another writer was faster, or a command that this one was built on failed: it may run again on
 * the new state.
 */
export function isOvertaken(error: unknown): boolean {
  return (
    error instanceof StaleHead ||
    error instanceof FailedDependency ||
    error instanceof DuplicateEvent
  );
}

const RANDOM_BITS = 2 ** 23;

/**
 * The next version of a room's head: a counter with random low bits, so that a command built on a
 * head that was never committed is not mistaken for one built on another writer's.
 */
export function nextHeadVersion(version: number, random: Random): number {
  return (Math.floor(version / RANDOM_BITS) + 1) * RANDOM_BITS + random.integer(RANDOM_BITS);
}
