/** Adds a verified event of another server to the room's graph, on the room's mailbox. */
import { redactEvent } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import type { Timeline } from "../../log/types.ts";
import { checkInRoom } from "../checks/checks-on-receipt.ts";
import type { Basis } from "../checks/checks-on-receipt.ts";
import type { PduCheck } from "../checks/pdu-check.ts";
import { updateExtremities } from "../commands/update-extremities.ts";
import { mayChange } from "../records/events.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import { endsKnockSentByUs } from "./knock-ends.ts";
import { redacted } from "../fetching/outliers.ts";
import { withAuthMembers } from "./partial-state.ts";
import { hasKnownState, isInGraph } from "../records/in-graph.ts";
import { redactionApplies } from "../commands/redactions.ts";
import { resolveRoots } from "../state/resolution.ts";
import type { AddedEvent } from "../commands/append-builder.ts";
import { remoteStateRoots } from "../fetching/remote-state-roots.ts";
import type { RemoteState } from "../fetching/remote-state-roots.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/** The position of a backfilled event: in front of the live event at `position`. */
export interface HistoryPosition {
  readonly position: number;
  readonly ordinal: number;
}

export interface ReceivedEvent {
  readonly event: RoomEvent;
  /**
   * States fetched from other servers for missing prev events. They count only if the events are
   * still missing.
   */
  readonly remoteState?: RemoteState | undefined;
  /** A backfilled event goes in front of the timeline and does not move the head. */
  readonly history?: HistoryPosition | undefined;
  /**
   * The event may already be stored, for instance as an outlier. False: it was looked up and is
   * not.
   */
  readonly mayBeKnown: boolean;
  /** This server received it first and forwards it to the others. */
  readonly forwarded?: boolean | undefined;
  /** An event of ours that another server accepted and sends to the others. */
  readonly handedOver?: boolean | undefined;
  /** Redactions of it may have arrived before it. */
  readonly mayBeRedacted: boolean;
  /** Why the room's policy server did not sign it; undefined: it was not asked. */
  readonly notRecommended?: string | undefined;
  /** The event was rejected before and is judged again. */
  readonly again?: boolean | undefined;
}

export interface CheckedEvent {
  readonly stored: StoredEvent;
  /** Why the event was not accepted, and which check it failed. */
  readonly reason: string | undefined;
  readonly check: PduCheck | undefined;
  /**
   * Rejected because of a state that another server gave: it stays out of the graph and is judged
   * again when its prev events have arrived.
   */
  readonly isProvisional: boolean;
  /** It was stored as rejected and is not rejected any more. */
  readonly isRejudged: boolean;
  /** Its missing prev events. */
  readonly missing: readonly string[];
}

/**
 * Runs steps 4 to 7 of the checks on receipt and adds the event to the command. Undefined when auth
 * events are missing, or when prev events are missing and no server gave the whole state after
 * them.
 */
export async function checkAndAdd(
  command: RoomCommand,
  received: ReceivedEvent,
): Promise<CheckedEvent | undefined> {
  const { event } = received;
  const outlier = await knownOf(command, received);
  if (outlier !== undefined && isInGraph(outlier)) {
    const again = received.again === true && outlier.status === "rejected";
    if (!again) return alreadyStored(outlier);
  }
  const basis = await basisOf(command, received);
  if (basis === undefined) return undefined;
  const { before, missing } = basis;
  const verdict = await checkInRoom(command, event, basis);
  const { reason, check } = verdict;
  const isProvisional = basis.hasRemoteState && check === "5 state before";
  if (isProvisional && outlier?.status === "rejected") {
    return { ...alreadyStored(outlier), reason, check, isProvisional };
  }
  const [freshNid] =
    outlier === undefined ? await command.store.registry.eventNids(1) : [outlier.nid];
  const nid = freshNid as number;
  if (outlier !== undefined) command.dependOn([outlier]);
  const rejected = verdict.status === "rejected";
  const after =
    event.stateKey === undefined || rejected
      ? before
      : await command.setState(before, [[event.type, event.stateKey, nid]]);
  const unredacted = newEvent(command.room.nid, nid, event, {
    ...received.history,
    status: verdict.status,
    ...(isProvisional ? {} : { stateBefore: before, stateAfter: after }),
  });
  const isRejudged = outlier?.status === "rejected" && !rejected;
  const isForKnocker = !rejected && (await endsKnockSentByUs(command, event, before));
  const added: Omit<AddedEvent, "stored" | "stateChanged"> = {
    authNids: authNidsOf(basis.auth),
    timeline: timelineOf(received, rejected),
    wasOutlier: outlier !== undefined,
    isRejudged,
    forwarded: received.forwarded === true || isForKnocker,
    handedOver: received.handedOver === true && !isForKnocker,
    reason,
  };
  const stored = await addWithRedactions(command, unredacted, outlier, added, received);
  return { stored, reason, check, isProvisional, isRejudged, missing };
}

/** What an event is checked against, and how complete that is. */
interface EventBasis extends Basis {
  /** prev events that are not in the graph. */
  readonly missing: readonly EventId[];
  /** The state before the event rests on what other servers say. */
  readonly hasRemoteState: boolean;
}

/** Undefined when auth events are missing, or the state after prev events is not known. */
async function basisOf(
  command: RoomCommand,
  { event, history, remoteState, notRecommended }: ReceivedEvent,
): Promise<EventBasis | undefined> {
  const { events } = command.store;
  const prev = await events.byIdsNow([...event.prevEventIds]);
  const known = [...prev.values()].filter((stored) => hasKnownState(stored, event.roomId));
  let authEvents = await events.byIds([...event.authEventIds]);
  if ([...authEvents.values()].some(({ status }) => status === "rejected")) {
    authEvents = await events.byIdsNow([...event.authEventIds]);
  }
  const auth = event.authEventIds.flatMap((id) => authEvents.get(id) ?? []);
  if (auth.length < event.authEventIds.length) return undefined;
  // The state after a create event is known even before it is in the graph; it still has to be
  // fetched for the timeline.
  const missing = prevWithout(event, known.filter(isInGraph));
  const unknownPrev = prevWithout(event, known);
  const hasRemoteState = unknownPrev.length > 0;
  const remoteRoots = hasRemoteState
    ? await remoteStateRoots(command, unknownPrev, remoteState)
    : [];
  if (remoteRoots === undefined) return undefined;
  command.dependOnStatesOf(known);
  command.dependOn(auth);
  const resolved = await stateBefore(command, known, remoteRoots);
  // Members missing from a partial state are taken from the event's auth events.
  const before = command.isPartial
    ? await withAuthMembers(command, resolved, event, auth)
    : resolved;
  const isLive = history === undefined;
  return { auth, before, isLive, notRecommended, missing, hasRemoteState };
}

/** The result for an event that is already stored. */
function alreadyStored(stored: StoredEvent): CheckedEvent {
  const nothing = { reason: undefined, check: undefined, isProvisional: false, isRejudged: false };
  return { ...nothing, stored, missing: [] };
}

async function knownOf({ store }: RoomCommand, { event, mayBeKnown }: ReceivedEvent) {
  const { eventId } = event;
  const peeked = store.events.peekById(eventId);
  if (peeked === undefined ? !mayBeKnown : !mayChange(peeked)) return peeked;
  return (await store.events.byIdsNow([eventId])).get(eventId);
}

function timelineOf({ history }: ReceivedEvent, rejected: boolean): Timeline {
  if (rejected) return "outlier";
  return history ?? "live";
}

/** The state before the event: that after its prev events, resolved when they differ. */
async function stateBefore(
  command: RoomCommand,
  prev: readonly StoredEvent[],
  remoteRoots: readonly StateRoot[],
): Promise<StateRoot> {
  const roots = [...remoteRoots];
  for (const stored of prev) roots.push(await stateAfter(command, stored));
  const { base, changes } = await resolveRoots(command.store, command.room, roots);
  return command.setTuples(base, changes);
}

/** The event's prev events that are not among these. */
function prevWithout({ prevEventIds }: RoomEvent, events: readonly StoredEvent[]): EventId[] {
  const ids = new Set(events.map(({ event }) => event.eventId));
  return prevEventIds.filter((id) => !ids.has(id));
}

/**
 * The state after an event whose state is known: if it is not in the graph, it is the room's create
 * event.
 */
async function stateAfter(command: RoomCommand, stored: StoredEvent): Promise<StateRoot> {
  if (isInGraph(stored)) return stored.stateAfter;
  return command.setState(null, [["m.room.create", "", stored.nid]]);
}

/**
 * Adds the event, redacted if its redaction came first. If it is a redaction itself, it is applied.
 */
async function addWithRedactions(
  command: RoomCommand,
  unredacted: StoredEvent,
  outlier: StoredEvent | undefined,
  added: Omit<AddedEvent, "stored" | "stateChanged">,
  received: ReceivedEvent,
): Promise<StoredEvent> {
  const { store } = command;
  const { eventId, redacts: targetId } = unredacted.event;
  const mayBe = received.mayBeRedacted || store.pending.redactionsOf(eventId).length > 0;
  let shown = mayBe ? await redacted(command, unredacted) : unredacted;
  const redactedBy = outlier?.redactedBy ?? null;
  if (shown === unredacted && redactedBy !== null) {
    shown = { ...unredacted, event: redactEvent(unredacted.event), redactedBy };
  }
  const oldRoot = command.stateRoot;
  const isLive = received.history === undefined;
  command.add({ ...added, stored: shown, stateChanged: false });
  const isRejudged = added.isRejudged === true;
  await updateExtremities(command, shown, { isLive, isRejudged });
  const stored: StoredEvent = { ...shown, roomState: isLive ? command.stateRoot : null };
  command.amend(stored, command.stateRoot !== oldRoot);
  if (targetId !== undefined && stored.status === "accepted") {
    const target = await store.events.byId(targetId);
    if (target !== undefined && target.redactedBy === null) {
      if (await redactionApplies(store, stored, target)) command.redact(target, stored);
    }
  }
  return stored;
}
