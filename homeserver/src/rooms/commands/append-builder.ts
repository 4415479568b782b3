/** Turns a command's result into rows for the log. */
import type {
  Append,
  MembershipChange,
  NewEvent,
  NewRecord,
  RedactionRow,
  Timeline,
} from "../../log/types.ts";
import { stickyMsOf, stickyUntil } from "../../protocol/events/sticky.ts";
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import { bytesOfRoot } from "../records/events.ts";
import { headMove } from "./head.ts";
import type { Head } from "./head.ts";
import { neededNodes } from "../state/tree/index.ts";
import type { StateNode } from "../state/tree/index.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

export interface AddedEvent {
  readonly stored: StoredEvent;
  readonly authNids: readonly number[];
  readonly timeline: Timeline;
  /** The event changed the room's current state. */
  readonly stateChanged: boolean;
  /** The event was stored as an outlier and now gets its place in the graph. */
  readonly wasOutlier?: boolean | undefined;
  /** This server forwards the event to the other servers in the room. */
  readonly forwarded?: boolean | undefined;
  /**
   * An event of this server that another server accepted (such as a join through it) and sends to
   * the others.
   */
  readonly handedOver?: boolean | undefined;
  readonly reason?: string | undefined;
  /** The event was rejected before and is now accepted. */
  readonly isRejudged?: boolean | undefined;
  /** One of very many events: it is not kept in memory once it is stored. */
  readonly isBulk?: boolean | undefined;
}

export interface StateChange {
  readonly type: string;
  readonly stateKey: string;
  /** null: the key was removed from the state. */
  readonly event: StoredEvent | null;
  /** The removed event, when the key was removed. */
  readonly before?: StoredEvent | undefined;
  /** For a member: the user was joined before the command. */
  readonly wasJoined?: boolean | undefined;
}

export interface AppliedRedaction {
  readonly target: StoredEvent;
  readonly redacted: StoredEvent;
  readonly redaction: StoredEvent;
}

/** A client's transaction id; `scope` names operation, room and type. */
export type ClientTransaction = NonNullable<Append["transaction"]>;

export interface AppendParts {
  readonly room: Room;
  readonly before: Head;
  /** Absent when the command does not move the head. */
  readonly after: Head | undefined;
  readonly added: readonly AddedEvent[];
  /**
   * All state tree nodes made by the command; only those that stored states refer to are written.
   */
  readonly nodes: readonly StateNode[];
  readonly dependencies?: Pick<Append, "statesOf" | "dependsOn">;
  readonly changes: readonly StateChange[];
  readonly redactions: readonly AppliedRedaction[];
  readonly transaction: ClientTransaction | undefined;
  /** ms since 1970. */
  readonly now: () => number;
}

/** Builds the append for one command of a room's mailbox. */
export function buildAppend(parts: AppendParts): Append {
  const { room, before, after, added } = parts;
  const append: Append = {
    events: added.map(newEvent),
    stateNodes: neededNodes(parts.nodes, rootsOf(added, after)),
    ...parts.dependencies,
  };
  // An outlier that gets its place must still be stored: a purge may have deleted it meanwhile.
  const known = added.flatMap((one) => (one.wasOutlier === true ? one.stored.nid : []));
  if (known.length > 0) append.dependsOn = [...(append.dependsOn ?? []), ...known];
  if (after !== undefined) {
    append.head = headMove(before, after);
  }
  const accepted = added.filter(({ isRejudged }) => isRejudged === true);
  if (accepted.length > 0) {
    append.toRejudge = accepted.map(({ stored }) => ({
      roomNid: room.nid,
      acceptedNid: stored.nid,
    }));
  }
  if (parts.changes.length > 0) {
    append.currentState = {
      roomNid: room.nid,
      changes: parts.changes.map(({ type, stateKey, event }) => ({
        type,
        stateKey,
        eventNid: event?.nid ?? null,
      })),
    };
    append.memberships = parts.changes.flatMap((change) => membershipOf(room, change));
  }
  const arrived = added.filter(isHistory).map(({ stored }) => stored.nid);
  if (arrived.length > 0) {
    append.records = [{ kind: "history", roomNid: room.nid, eventNids: arrived }];
  }
  const sticky = added.flatMap((one) => stickyRows(one, parts.now));
  if (sticky.length > 0) append.records = [...(append.records ?? []), ...sticky];
  const redactions = redactionRows(added, parts.redactions);
  if (redactions.length > 0) append.redactions = redactions;
  if (parts.transaction !== undefined) append.transaction = parts.transaction;
  return append;
}

/** Longer ones are events like others, not to be sent to everybody who comes. */
const MAX_STICKY_LENGTH = 16_384;

/** What clients are told of as sticky, and what is soft-failed and may be told of later. */
function stickyRows({ stored, timeline }: AddedEvent, now: () => number): NewRecord[] {
  if (timeline === "outlier" || stickyMsOf(stored.event) === undefined) return [];
  return stickyRowsOf(stored, stored.status, now());
}

/** The same of an event that has no place in the timeline; `status` is what it counts as. */
export function stickyRowsOf(
  { nid, roomNid, event, redactedBy }: StoredEvent,
  status: StoredEvent["status"],
  now: number,
): NewRecord[] {
  const expiresTs = stickyUntil(event, now);
  if (expiresTs === undefined || expiresTs <= now) return [];
  if (status === "rejected" || redactedBy !== null) return [];
  if (event.json().length > MAX_STICKY_LENGTH) return [];
  const hasFailed = status === "soft-failed";
  return [{ kind: "sticky", roomNid, eventNid: nid, sender: event.sender, expiresTs, hasFailed }];
}

/** It takes its place in front of what is here, and may be read there. */
function isHistory({ timeline, stored }: AddedEvent): boolean {
  return typeof timeline === "object" && stored.status !== "rejected";
}

function rootsOf(added: readonly AddedEvent[], head: Head | undefined): Set<StateRoot> {
  const states = added.flatMap(({ stored }) => [
    stored.stateBefore,
    stored.stateAfter,
    stored.roomState,
  ]);
  return new Set(head === undefined ? states : [...states, head.stateRoot]);
}

function newEvent(added: AddedEvent): NewEvent {
  const { stored } = added;
  return {
    nid: stored.nid,
    roomNid: stored.roomNid,
    event: stored.event,
    timeline: added.timeline,
    status: stored.status,
    ...(added.reason === undefined ? {} : { reason: added.reason }),
    stateBefore: bytesOfRoot(stored.stateBefore),
    stateAfter: bytesOfRoot(stored.stateAfter),
    roomState: bytesOfRoot(stored.roomState),
    authNids: added.authNids,
    stateChanged: added.stateChanged,
    ...(stored.redactedBy === null ? {} : { redactedBy: stored.redactedBy }),
    ...(added.wasOutlier === true ? { stored: true } : {}),
    ...(added.forwarded === true ? { forwarded: true } : {}),
    ...(added.handedOver === true ? { handedOver: true } : {}),
  };
}

/**
 * When state resolution removes a member event and puts no other in its place, the user counts as
 * having left.
 */
function membershipOf(room: Room, change: StateChange): MembershipChange[] {
  const { type, stateKey } = change;
  const event = change.event ?? change.before;
  if (type !== "m.room.member" || !isUserId(stateKey) || event === undefined) return [];
  const membership = change.event === null ? "leave" : event.event.content.membership;
  if (typeof membership !== "string") return [];
  return [
    {
      roomNid: room.nid,
      roomId: room.roomId,
      userId: stateKey,
      membership,
      eventNid: event.nid,
      server: serverOf(stateKey),
      ...(change.wasJoined === undefined ? {} : { wasJoined: change.wasJoined }),
    },
  ];
}

/**
 * Every redaction is stored with its target's id, even when it is not applied: the target may
 * arrive later. A redaction that was itself redacted before it got its place no longer names its
 * target (up to room version 10) but is applied all the same.
 */
function redactionRows(
  added: readonly AddedEvent[],
  applied: readonly AppliedRedaction[],
): RedactionRow[] {
  const rows: RedactionRow[] = [];
  for (const { stored } of added) {
    const done = applied.find((one) => one.redaction.nid === stored.nid);
    const target = stored.event.redacts ?? done?.target.event.eventId;
    if (target === undefined || stored.status === "rejected") continue;
    rows.push({
      targetEventId: target,
      redactionNid: stored.nid,
      ...(done === undefined ? {} : { redactedJson: done.redacted.event.json() }),
    });
  }
  return rows;
}
