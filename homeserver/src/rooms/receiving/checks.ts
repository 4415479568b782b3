/**
 * Adds a verified event of another server to the room's graph: steps 4 to 7 of the checks on
 * receipt (server-server API, "Checks performed on receipt of a PDU"), on the room's mailbox.
 */
import { authorise } from "../../protocol/auth/index.ts";
import { rejectionOf } from "../../protocol/errors.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { createEventIdOf } from "../../protocol/identifiers.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { authTypesFor } from "../../protocol/auth/index.ts";
import type { Timeline } from "../../log/types.ts";
import { counted, extremitiesNotReachedFrom } from "../commands/extremities.ts";
import { updateExtremities } from "../commands/update-extremities.ts";
import { mayChange } from "../records/events.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import { endsKnockSentByUs } from "./knock-ends.ts";
import { redacted, rejectionByAuthEvents } from "../fetching/outliers.ts";
import { withAuthMembers } from "./partial-state.ts";
import { hasKnownState, isInGraph } from "../records/in-graph.ts";
import { isRecommended, LacksPolicySignature, policyFor } from "../commands/policy-server.ts";
import type { PduCheck } from "../records/pdu-check.ts";
import { redactionApplies } from "../commands/redactions.ts";
import { resolveRoots } from "../state/resolution.ts";
import type { AddedEvent } from "../commands/append-builder.ts";
import { authStateIn } from "../state/reader.ts";
import { remoteStateRoots } from "../fetching/remote-state-roots.ts";
import type { RemoteState } from "../fetching/remote-state-roots.ts";
import type { StateKey } from "../state/tuples.ts";
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
  readonly clause: PduCheck | undefined;
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
 * Runs the checks and adds the event to the command. Undefined when auth events are missing, or
 * when prev events are missing and no server gave the whole state after them.
 */
export async function checkAndAdd(
  command: RoomCommand,
  received: ReceivedEvent,
): Promise<CheckedEvent | undefined> {
  const { store } = command;
  const { event } = received;
  const outlier = await knownOf(command, received);
  if (outlier !== undefined && isInGraph(outlier)) {
    const again = received.again === true && outlier.status === "rejected";
    if (!again) return alreadyStored(outlier);
  }
  const prev = await store.events.byIdsNow([...event.prevEventIds]);
  const known = [...prev.values()].filter((stored) => hasKnownState(stored, event.roomId));
  const authEvents = await store.events.byIds([...event.authEventIds]);
  const auth = await authOf(command, event, authEvents);
  if (auth === undefined) return undefined;
  // The state after a create event is known even before it is in the graph; it still has to be
  // fetched for the timeline.
  const missing = prevWithout(event, known.filter(isInGraph));
  const unknownPrev = prevWithout(event, known);
  const remoteRoots =
    unknownPrev.length === 0
      ? []
      : await remoteStateRoots(command, unknownPrev, received.remoteState);
  if (remoteRoots === undefined) return undefined;
  command.dependOnStatesOf(known);
  command.dependOn(auth);
  const resolved = await stateBefore(command, known, remoteRoots);
  // Members missing from a partial state are taken from the event's auth events.
  const before = command.isPartial
    ? await withAuthMembers(command, resolved, event, auth)
    : resolved;
  let judged = await judge(command, event, auth, before, received.history === undefined);
  if (judged.status === "accepted" && received.history === undefined) {
    judged = await judgeByPolicy(command, received);
  }
  const isProvisional = unknownPrev.length > 0 && judged.clause === "5 state before";
  if (isProvisional && outlier?.status === "rejected") {
    return { ...alreadyStored(outlier), ...judged, isProvisional };
  }
  const [freshNid] = outlier === undefined ? await store.registry.eventNids(1) : [outlier.nid];
  const nid = freshNid as number;
  if (outlier !== undefined) command.dependOn([outlier]);
  const rejected = judged.status === "rejected";
  const after =
    event.stateKey === undefined || rejected
      ? before
      : await command.setState(before, [[event.type, event.stateKey, nid]]);
  const bare = newEvent(command.room.nid, nid, event, {
    ...received.history,
    status: judged.status,
    ...(isProvisional ? {} : { stateBefore: before, stateAfter: after }),
  });
  const isRejudged = outlier?.status === "rejected" && !rejected;
  const isForKnocker = !rejected && (await endsKnockSentByUs(command, event, before));
  const added: Omit<AddedEvent, "stored" | "stateChanged"> = {
    authNids: authNidsOf(auth),
    timeline: timelineOf(received, rejected),
    known: outlier !== undefined,
    isRejudged,
    forwarded: received.forwarded === true || isForKnocker,
    handedOver: received.handedOver === true && !isForKnocker,
    reason: judged.reason,
  };
  const stored = await addWithRedactions(command, bare, outlier, added, received);
  return {
    stored,
    reason: judged.reason,
    clause: judged.clause,
    isProvisional,
    isRejudged,
    missing,
  };
}

/** The result for an event that is already stored. */
function alreadyStored(stored: StoredEvent): CheckedEvent {
  const nothing = { reason: undefined, clause: undefined, isProvisional: false, isRejudged: false };
  return { ...nothing, stored, missing: [] };
}

async function knownOf({ store }: RoomCommand, { event, mayBeKnown }: ReceivedEvent) {
  const { eventId } = event;
  const peeked = store.events.peekById(eventId);
  if (peeked === undefined ? !mayBeKnown : !mayChange(peeked)) return peeked;
  return (await store.events.byIdsNow([eventId])).get(eventId);
}

/** Its auth events; undefined when some are missing. */
async function authOf(
  { store }: RoomCommand,
  event: RoomEvent,
  found: ReadonlyMap<EventId, StoredEvent>,
): Promise<StoredEvent[] | undefined> {
  const isDoubtful = [...found.values()].some(({ status }) => status === "rejected");
  const now = isDoubtful ? await store.events.byIdsNow([...event.authEventIds]) : found;
  const auth = event.authEventIds.flatMap((id) => now.get(id) ?? []);
  return auth.length < event.authEventIds.length ? undefined : auth;
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

interface Judgement {
  readonly status: StoredEvent["status"];
  readonly reason: string | undefined;
  readonly clause: PduCheck | undefined;
}

const ACCEPTED: Judgement = { status: "accepted", reason: undefined, clause: undefined };

async function judge(
  command: RoomCommand,
  event: RoomEvent,
  auth: readonly StoredEvent[],
  before: StateRoot,
  isLive: boolean,
): Promise<Judgement> {
  const { store } = command;
  // 4. By the auth events.
  const byAuthEvents = rejectionByAuthEvents(event, auth, [
    ...auth,
    ...(await createEvent(command, event)),
  ]);
  if (byAuthEvents !== undefined) {
    return { status: "rejected", reason: byAuthEvents, clause: "4 auth events" };
  }
  // 5. By the state before the event.
  const keys: StateKey[] = [...authTypesFor(event, event.version), ["m.room.create", ""]];
  const isOnTop = before === command.stateRoot;
  const state = isOnTop ? await command.state(keys) : await store.state.events(before, keys);
  const atEvent = isSame(state, auth) ? undefined : byState(event, state);
  if (atEvent !== undefined) {
    return { status: "rejected", reason: atEvent, clause: "5 state before" };
  }
  // 6. By the current state.
  if (!isLive || isOnTop) return ACCEPTED;
  const now = byState(event, await command.state(keys));
  if (now === undefined) return ACCEPTED;
  // A second look at the current state together with what the event's own branch changed: a join in
  // a gap, for instance.
  const both = byState(event, await stateWithBranch(command, event, before, keys));
  if (both === undefined) return ACCEPTED;
  return { status: "soft-failed", reason: both, clause: "6 current state" };
}

/** 7. By the room's policy server. Throws LacksPolicySignature when it has to be asked first. */
async function judgeByPolicy(
  command: RoomCommand,
  { event, notRecommended }: ReceivedEvent,
): Promise<Judgement> {
  const policy = await policyFor(command, event);
  if (policy === undefined || isRecommended(event, policy)) return ACCEPTED;
  if (notRecommended === undefined) throw new LacksPolicySignature(policy);
  return { status: "soft-failed", reason: notRecommended, clause: "7 policy server" };
}

/**
 * The current state if the state before the event replaced those extremities that the event builds
 * on.
 */
async function stateWithBranch(
  command: RoomCommand,
  event: RoomEvent,
  before: StateRoot,
  keys: readonly StateKey[],
): Promise<ReadonlyMap<string, StoredEvent>> {
  const { store } = command;
  const others = await extremitiesNotReachedFrom(store, command.extremities, event);
  const roots = [...counted(others).map((one) => one.stateAfter), before];
  const { base, changes } = await resolveRoots(store, command.room, roots);
  return store.state.events(await command.setTuples(base, changes), [...keys]);
}

/**
 * Whether the auth events are exactly what the state holds (except for the create event): then the
 * check by auth events has already decided.
 */
function isSame(state: ReadonlyMap<string, StoredEvent>, auth: readonly StoredEvent[]): boolean {
  const nids = new Set(auth.map((stored) => stored.nid));
  for (const stored of state.values()) {
    if (stored.event.type !== "m.room.create" && !nids.delete(stored.nid)) return false;
    nids.delete(stored.nid);
  }
  return nids.size === 0;
}

/** From version 12 the room's id names the create event, and auth_events don't. */
async function createEvent({ store }: RoomCommand, event: RoomEvent): Promise<StoredEvent[]> {
  if (!event.version.roomIdIsCreateHash || event.type === "m.room.create") return [];
  const create = await store.events.byId(createEventIdOf(event.roomId));
  return create === undefined ? [] : [create];
}

function byState(event: RoomEvent, state: ReadonlyMap<string, StoredEvent>): string | undefined {
  return rejectionOf(() => authorise(event, authStateIn(state)));
}

/**
 * Adds the event, redacted if its redaction came first. If it is a redaction itself, it is applied.
 */
async function addWithRedactions(
  command: RoomCommand,
  bare: StoredEvent,
  outlier: StoredEvent | undefined,
  added: Omit<AddedEvent, "stored" | "stateChanged">,
  received: ReceivedEvent,
): Promise<StoredEvent> {
  const { store } = command;
  const { eventId, redacts: targetId } = bare.event;
  const mayBe = received.mayBeRedacted || store.pending.redactionsOf(eventId).length > 0;
  let shown = mayBe ? await redacted(command, bare) : bare;
  const redactedBy = outlier?.redactedBy ?? null;
  if (shown === bare && redactedBy !== null) {
    shown = { ...bare, event: redactEvent(bare.event), redactedBy };
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
