/**
 * Puts a verified event of another server in the room's graph: steps 4 to 7 of the checks on receipt
 * (server-server API, "Checks performed on receipt of a PDU"), on the room's mailbox.
 */
import { authorise } from "../../protocol/auth/index.ts";
import { rejectionOf } from "../../protocol/errors.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { createEventIdOf } from "../../protocol/identifiers.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { authTypesFor } from "../../protocol/auth/index.ts";
import type { Timeline } from "../../log/types.ts";
import { counted, extremitiesBeside } from "../commands/extremities.ts";
import { updateExtremities } from "../commands/update-extremities.ts";
import { mayChange } from "../records/events.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import { endsKnockWeTook } from "./knock-ends.ts";
import { redacted, refusal } from "../fetching/outliers.ts";
import { withAuthMembers } from "./partial-state.ts";
import { hasKnownState, isPlaced } from "../records/placed.ts";
import { isRecommended, LacksPolicySignature, policyFor } from "../commands/policy-server.ts";
import type { Clause } from "../records/pdu-check.ts";
import { redactionApplies } from "../commands/redactions.ts";
import { resolveRoots } from "../state/resolution.ts";
import type { AddedEvent } from "../commands/append-builder.ts";
import { authStateIn } from "../state/reader.ts";
import { toldRoots } from "../fetching/remote-state-roots.ts";
import type { Told } from "../fetching/remote-state-roots.ts";
import type { StateKey } from "../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";
import type { Work } from "../commands/room-command.ts";

/** Where history goes: in front of the live event at `position`. */
export interface HistoryPlace {
  readonly position: number;
  readonly ordinal: number;
}

export interface Placing {
  readonly event: RoomEvent;
  /** What other servers say of states, where prev events are missing: it counts only if they still are. */
  readonly told?: Told | undefined;
  /** History goes in front of the timeline: it doesn't move the head. */
  readonly history?: HistoryPlace | undefined;
  /** It may be here already, as an outlier for instance; false: it was looked up. */
  readonly mayBeKnown: boolean;
  /** It came to this server first, which sends it on. */
  readonly forwarded?: boolean | undefined;
  /** It is ours, and another server has taken it: that one sends it on. */
  readonly handedOver?: boolean | undefined;
  /** Redactions of it may have come before it. */
  readonly mayBeRedacted: boolean;
  /** Why the room's policy server didn't sign it; undefined: it wasn't asked. */
  readonly notRecommended?: string | undefined;
  /** It was rejected, and is judged again. */
  readonly again?: boolean | undefined;
}

export interface Placed {
  readonly stored: StoredEvent;
  /** Why it's not accepted, and by which of the checks. */
  readonly reason: string | undefined;
  readonly clause: Clause | undefined;
  /**
   * Rejected by what another server told of the state before it: it has no place, and is judged again when its prev
   * events are here.
   */
  readonly isProvisional: boolean;
  /** It was here as a rejected one, and is not rejected any more. */
  readonly isRejudged: boolean;
  /** prev events that are not known here. */
  readonly missing: readonly string[];
}

/**
 * Adds the event to the work. Undefined when auth events are missing, or prev events of which nobody told the whole state.
 */
export async function placeEvent(work: Work, placing: Placing): Promise<Placed | undefined> {
  const { store } = work;
  const { event } = placing;
  const outlier = await knownOf(work, placing);
  if (outlier !== undefined && isPlaced(outlier)) {
    const again = placing.again === true && outlier.status === "rejected";
    if (!again) return knownAlready(outlier);
  }
  const prev = await store.events.byIdsNow([...event.prevEventIds]);
  const known = [...prev.values()].filter((stored) => hasKnownState(stored, event.roomId));
  const authEvents = await store.events.byIds([...event.authEventIds]);
  const auth = await authOf(work, event, authEvents);
  if (auth === undefined) return undefined;
  // A create event without a place is still to be fetched for the timeline, but its state is known.
  const missing = prevWithout(event, known.filter(isPlaced));
  const untold = prevWithout(event, known);
  const told = untold.length === 0 ? [] : await toldRoots(work, untold, placing.told);
  if (told === undefined) return undefined;
  work.buildOn(known);
  work.restOn(auth);
  const resolved = await stateBefore(work, known, told);
  // Of a state that is known in part, what it lacks of members is taken from the auth events.
  const before = work.isPartial ? await withAuthMembers(work, resolved, event, auth) : resolved;
  let judged = await judge(work, event, auth, before, placing.history === undefined);
  if (judged.status === "accepted" && placing.history === undefined) {
    judged = await judgeByPolicy(work, placing);
  }
  const isProvisional = untold.length > 0 && judged.clause === "5 state before";
  if (isProvisional && outlier?.status === "rejected") {
    return { ...knownAlready(outlier), ...judged, isProvisional };
  }
  const [freshNid] = outlier === undefined ? await store.registry.eventNids(1) : [outlier.nid];
  const nid = freshNid as number;
  if (outlier !== undefined) work.restOn([outlier]);
  const rejected = judged.status === "rejected";
  const after =
    event.stateKey === undefined || rejected
      ? before
      : await work.setState(before, [[event.type, event.stateKey, nid]]);
  const bare = newEvent(work.room.nid, nid, event, {
    ...placing.history,
    status: judged.status,
    ...(isProvisional ? {} : { stateBefore: before, stateAfter: after }),
  });
  const isRejudged = outlier?.status === "rejected" && !rejected;
  const isForKnocker = !rejected && (await endsKnockWeTook(work, event, before));
  const added: Omit<AddedEvent, "stored" | "stateChanged"> = {
    authNids: authNidsOf(auth),
    timeline: timelineOf(placing, rejected),
    known: outlier !== undefined,
    isRejudged,
    forwarded: placing.forwarded === true || isForKnocker,
    handedOver: placing.handedOver === true && !isForKnocker,
    reason: judged.reason,
  };
  const stored = await addWithRedactions(work, bare, outlier, added, placing);
  return {
    stored,
    reason: judged.reason,
    clause: judged.clause,
    isProvisional,
    isRejudged,
    missing,
  };
}

/** What is answered of an event that is here already. */
function knownAlready(stored: StoredEvent): Placed {
  const nothing = { reason: undefined, clause: undefined, isProvisional: false, isRejudged: false };
  return { ...nothing, stored, missing: [] };
}

async function knownOf({ store }: Work, { event, mayBeKnown }: Placing) {
  const { eventId } = event;
  const peeked = store.events.peekById(eventId);
  if (peeked === undefined ? !mayBeKnown : !mayChange(peeked)) return peeked;
  return (await store.events.byIdsNow([eventId])).get(eventId);
}

/** Its auth events; undefined when some are missing. */
async function authOf(
  { store }: Work,
  event: RoomEvent,
  found: ReadonlyMap<EventId, StoredEvent>,
): Promise<StoredEvent[] | undefined> {
  const isDoubtful = [...found.values()].some(({ status }) => status === "rejected");
  const now = isDoubtful ? await store.events.byIdsNow([...event.authEventIds]) : found;
  const auth = event.authEventIds.flatMap((id) => now.get(id) ?? []);
  return auth.length < event.authEventIds.length ? undefined : auth;
}

function timelineOf({ history }: Placing, rejected: boolean): Timeline {
  if (rejected) return "outlier";
  return history ?? "live";
}

/** The state that the prev events leave, resolved when they differ. */
async function stateBefore(
  work: Work,
  prev: readonly StoredEvent[],
  told: readonly StateRoot[],
): Promise<StateRoot> {
  const roots = [...told];
  for (const stored of prev) roots.push(await stateAfter(work, stored));
  const { base, changes } = await resolveRoots(work.store, work.room, roots);
  return work.setTuples(base, changes);
}

/** The event's prev events that are not among these. */
function prevWithout({ prevEventIds }: RoomEvent, events: readonly StoredEvent[]): EventId[] {
  const ids = new Set(events.map(({ event }) => event.eventId));
  return prevEventIds.filter((id) => !ids.has(id));
}

/** Of an event whose state is known: without a place, it is the room's create event. */
async function stateAfter(work: Work, stored: StoredEvent): Promise<StateRoot> {
  if (isPlaced(stored)) return stored.stateAfter;
  return work.setState(null, [["m.room.create", "", stored.nid]]);
}

interface Judgement {
  readonly status: StoredEvent["status"];
  readonly reason: string | undefined;
  readonly clause: Clause | undefined;
}

const ACCEPTED: Judgement = { status: "accepted", reason: undefined, clause: undefined };

async function judge(
  work: Work,
  event: RoomEvent,
  auth: readonly StoredEvent[],
  before: StateRoot,
  isLive: boolean,
): Promise<Judgement> {
  const { store } = work;
  // 4. By the auth events.
  const byAuthEvents = refusal(event, auth, [...auth, ...(await createEvent(work, event))]);
  if (byAuthEvents !== undefined) {
    return { status: "rejected", reason: byAuthEvents, clause: "4 auth events" };
  }
  // 5. By the state before the event.
  const keys: StateKey[] = [...authTypesFor(event, event.version), ["m.room.create", ""]];
  const isOnTop = before === work.stateRoot;
  const state = isOnTop ? await work.state(keys) : await store.state.events(before, keys);
  const atEvent = isSame(state, auth) ? undefined : byState(event, state);
  if (atEvent !== undefined) {
    return { status: "rejected", reason: atEvent, clause: "5 state before" };
  }
  // 6. By the current state.
  if (!isLive || isOnTop) return ACCEPTED;
  const now = byState(event, await work.state(keys));
  if (now === undefined) return ACCEPTED;
  // What only the event's own branch has counts too, as far as it survives: a join in a gap, for instance.
  const both = byState(event, await stateWithBranch(work, event, before, keys));
  if (both === undefined) return ACCEPTED;
  return { status: "soft-failed", reason: both, clause: "6 current state" };
}

/** 7. By the room's policy server. Throws LacksPolicySignature when it is to be asked first. */
async function judgeByPolicy(work: Work, { event, notRecommended }: Placing): Promise<Judgement> {
  const policy = await policyFor(work, event);
  if (policy === undefined || isRecommended(event, policy)) return ACCEPTED;
  if (notRecommended === undefined) throw new LacksPolicySignature(policy);
  return { status: "soft-failed", reason: notRecommended, clause: "7 policy server" };
}

/** The current state as it would be if the state before an event were an extremity's, in place of those it builds on. */
async function stateWithBranch(
  work: Work,
  event: RoomEvent,
  before: StateRoot,
  keys: readonly StateKey[],
): Promise<ReadonlyMap<string, StoredEvent>> {
  const { store } = work;
  const others = await extremitiesBeside(store, work.extremities, event);
  const roots = [...counted(others).map((one) => one.stateAfter), before];
  const { base, changes } = await resolveRoots(store, work.room, roots);
  return store.state.events(await work.setTuples(base, changes), [...keys]);
}

/** The auth events are what the state holds (but for the create event): they have been judged by already. */
function isSame(state: ReadonlyMap<string, StoredEvent>, auth: readonly StoredEvent[]): boolean {
  const nids = new Set(auth.map((stored) => stored.nid));
  for (const stored of state.values()) {
    if (stored.event.type !== "m.room.create" && !nids.delete(stored.nid)) return false;
    nids.delete(stored.nid);
  }
  return nids.size === 0;
}

/** From version 12 the room's id names the create event, and auth_events don't. */
async function createEvent({ store }: Work, event: RoomEvent): Promise<StoredEvent[]> {
  if (!event.version.roomIdIsCreateHash || event.type === "m.room.create") return [];
  const create = await store.events.byId(createEventIdOf(event.roomId));
  return create === undefined ? [] : [create];
}

function byState(event: RoomEvent, state: ReadonlyMap<string, StoredEvent>): string | undefined {
  return rejectionOf(() => authorise(event, authStateIn(state)));
}

/** Adds the event, already redacted if its redaction came first; applies it if it's a redaction itself. */
async function addWithRedactions(
  work: Work,
  bare: StoredEvent,
  outlier: StoredEvent | undefined,
  added: Omit<AddedEvent, "stored" | "stateChanged">,
  placing: Placing,
): Promise<StoredEvent> {
  const { store } = work;
  const { eventId, redacts: targetId } = bare.event;
  const mayBe = placing.mayBeRedacted || store.pending.redactionsOf(eventId).length > 0;
  let shown = mayBe ? await redacted(work, bare) : bare;
  const redactedBy = outlier?.redactedBy ?? null;
  if (shown === bare && redactedBy !== null) {
    shown = { ...bare, event: redactEvent(bare.event), redactedBy };
  }
  const oldRoot = work.stateRoot;
  const isLive = placing.history === undefined;
  work.add({ ...added, stored: shown, stateChanged: false });
  const isRejudged = added.isRejudged === true;
  await updateExtremities(work, shown, { isLive, isRejudged });
  const stored: StoredEvent = { ...shown, roomState: isLive ? work.stateRoot : null };
  work.amend(stored, work.stateRoot !== oldRoot);
  if (targetId !== undefined && stored.status === "accepted") {
    const target = await store.events.byId(targetId);
    if (target !== undefined && target.redactedBy === null) {
      if (await redactionApplies(store, stored, target)) work.redact(target, stored);
    }
  }
  return stored;
}
