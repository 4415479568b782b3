/**
 * Outliers: events stored because auth chains and states refer to them, without a place in the
 * timeline.
 */
import { createYielder } from "../../platform/yielder.ts";
import { redactEvent } from "../../protocol/events/event.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { lackingAuth, redactionsOf } from "../../storage/rooms/events.ts";
import { rejectionByAuthEvents } from "../checks/authorisation.ts";
import { checkNow } from "../checks/checks-on-receipt.ts";
import { LacksPolicySignature } from "../commands/policy-server.ts";
import { stickyMsOf } from "../../protocol/events/sticky.ts";
import type { NewRecord } from "../../log/types.ts";
import type { Identity } from "../commands/drafting.ts";
import type { CommandResult } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import { updateExtremities } from "../commands/update-extremities.ts";
import { authIdsOf, inAuthOrder } from "../records/event-order.ts";
import { authNidsOf, newEvent } from "../records/new-event.ts";
import { isInGraph } from "../records/in-graph.ts";
import { earlierRedaction } from "../commands/redactions.ts";
import { stickyRowsOf } from "../commands/append-builder.ts";
import type { AddedEvent } from "../commands/append-builder.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import { runCommand } from "../commands/room-command.ts";
import type { RoomCommand } from "../commands/room-command.ts";

export interface Outliers {
  /**
   * Stores verified events that are not stored yet, each authorised by its auth events (step 4 of
   * the checks on receipt; those that fail are stored as rejected), on the room's mailbox. Events
   * whose auth events are neither stored nor among the given ones are not stored but returned.
   * Stored events stay in the cache, since they are likely to be read soon; member events only with
   * `keepMembers` (default true). With `areNews` (default false) clients are told of what is sticky
   * among them.
   */
  store(
    room: Room,
    events: readonly RoomEvent[],
    options?: { readonly keepMembers?: boolean; readonly areNews?: boolean },
  ): Promise<RoomEvent[]>;
  /** Checks a rejected outlier again: true when its auth events allow it now. */
  rejudge(room: Room, outlier: RoomEvent): Promise<boolean>;
}

/** Events per command: other commands of the room can run in between. */
const CHUNK = 200;
/** How long events are checked before other work gets a chance. */
const BURST_MS = 2;

export function createOutliers(mailboxes: Mailboxes, identity: Identity): Outliers {
  /** The stored events that these refer to. Those that lack auth events count as not stored. */
  async function knownOf(
    command: RoomCommand,
    events: readonly RoomEvent[],
  ): Promise<{ known: Map<EventId, StoredEvent>; lacking: Map<EventId, StoredEvent> }> {
    const { store } = command;
    const ids = new Set<EventId>();
    for (const event of events) for (const id of [event.eventId, ...authIdsOf(event)]) ids.add(id);
    const known = await store.events.byIds([...ids]);
    const lacking = new Map<EventId, StoredEvent>();
    const outliers = events.flatMap(({ eventId }) => known.get(eventId) ?? []).filter(isNotPlaced);
    const isLacking = new Set<number>();
    const counts: (readonly [nid: number, auth: number])[] = [];
    for (const { nid, event } of outliers) {
      const { size } = new Set(event.authEventIds);
      const coming = store.pending.authNids(nid);
      if (coming === undefined) counts.push([nid, size]);
      else if (coming.length < size) isLacking.add(nid);
    }
    const stored = counts.length === 0 ? [] : await lackingAuth(store.sql, counts);
    for (const nid of stored) isLacking.add(nid);
    for (const [id, stored] of known) if (isLacking.has(stored.nid)) lacking.set(id, stored);
    for (const id of lacking.keys()) known.delete(id);
    return { known, lacking };
  }

  async function storeSome(
    command: RoomCommand,
    events: readonly RoomEvent[],
    { keepMembers = true, areNews = false }: Parameters<Outliers["store"]>[2] = {},
  ): Promise<CommandResult<RoomEvent[]>> {
    const { known, lacking } = await knownOf(command, events);
    const fresh = events.filter(({ eventId }) => !known.has(eventId));
    const { complete, left } = byAuthEvents(fresh, known);
    const isRedacted = await redactedAmong(command, complete);
    const nids = await command.store.registry.eventNids(complete.length);
    const yielder = createYielder(BURST_MS);
    for (const [i, event] of complete.entries()) {
      await yielder.pauseIfDue();
      const { eventId } = event;
      const before = lacking.get(eventId);
      if (before !== undefined) command.dependOn([before]);
      const unredacted = outlierOf(command, event, before?.nid ?? nids[i]!, known);
      const stored = isRedacted.has(eventId)
        ? await redacted(command, unredacted.stored)
        : unredacted.stored;
      known.set(eventId, stored);
      const isBulk = !keepMembers && event.type === "m.room.member";
      command.add({ ...unredacted, stored, wasOutlier: before !== undefined, isBulk });
      if (stored.status === "rejected") {
        await updateExtremities(command, stored, { isLive: false, isRejudged: false });
      }
    }
    if (lacking.size > 0) command.store.committed.authChains.forget(command.room.nid);
    const stored = events.flatMap(({ eventId }) => known.get(eventId) ?? []).filter(isNotPlaced);
    const records = areNews ? await stickyAmong(command, stored) : [];
    return command.finish(left, records.length > 0 ? { append: { records } } : {});
  }

  async function rejudge(command: RoomCommand, event: RoomEvent): Promise<CommandResult<boolean>> {
    const ids = authIdsOf(event);
    const known = await command.store.events.byIdsNow([event.eventId, ...ids]);
    const outlier = known.get(event.eventId);
    if (outlier === undefined || isInGraph(outlier)) return command.finish(false);
    if (outlier.status !== "rejected") return command.finish(true);
    if (event.authEventIds.some((id) => !known.has(id))) return command.finish(false);
    const again = outlierOf(command, event, outlier.nid, known);
    if (again.reason !== undefined) return command.finish(false);
    command.dependOn([outlier]);
    const stored: StoredEvent = { ...outlier, status: "accepted" };
    command.add({ ...again, stored, wasOutlier: true, isRejudged: true });
    return command.finish(true);
  }

  const run = <T>(room: Room, body: (command: RoomCommand) => Promise<CommandResult<T>>) =>
    mailboxes.run(room, (head) => runCommand(identity, head, body));

  return {
    async store(room, events, options) {
      const sorted = inAuthOrder(events);
      const left: RoomEvent[] = [];
      for (let at = 0; at < sorted.length; at += CHUNK) {
        const some = sorted.slice(at, at + CHUNK);
        left.push(...(await run(room, (command) => storeSome(command, some, options))));
      }
      return left;
    },
    rejudge: (room, event) => run(room, (command) => rejudge(command, event)),
  };
}

/** What clients are told of as sticky of these, and what is soft-failed and may be told of later. */
async function stickyAmong(
  command: RoomCommand,
  events: readonly StoredEvent[],
): Promise<NewRecord[]> {
  const records: NewRecord[] = [];
  for (const stored of events) {
    if (stickyMsOf(stored.event) === undefined || stored.status === "rejected") continue;
    try {
      const status = await checkNow(command, stored.event);
      records.push(...stickyRowsOf(stored, status, command.identity.now()));
    } catch (error) {
      if (!(error instanceof LacksPolicySignature)) throw error;
    }
  }
  return records;
}

function isNotPlaced(stored: StoredEvent): boolean {
  return !isInGraph(stored);
}

/** The event as it is stored once its auth events are known. */
function outlierOf(
  command: RoomCommand,
  event: RoomEvent,
  nid: number,
  known: ReadonlyMap<EventId, StoredEvent>,
): Omit<AddedEvent, "wasOutlier"> {
  const auth = event.authEventIds.flatMap((id) => known.get(id) ?? []);
  const state = authIdsOf(event).flatMap((id) => known.get(id) ?? []);
  const reason = rejectionByAuthEvents(event, auth, state);
  const status = reason === undefined ? "accepted" : "rejected";
  const stored = newEvent(command.room.nid, nid, event, { status });
  command.dependOn(state);
  return { stored, authNids: authNidsOf(auth), timeline: "outlier", stateChanged: false, reason };
}

/** The events for which a redaction has already arrived. */
async function redactedAmong(
  { store }: RoomCommand,
  events: readonly RoomEvent[],
): Promise<ReadonlySet<string>> {
  if (events.length === 0) return new Set();
  const ids = events.map(({ eventId }) => eventId);
  const coming = ids.filter((id) => store.pending.redactionsOf(id).length > 0);
  const rows = await redactionsOf(store.sql, ids);
  return new Set([...coming, ...rows.map(({ target }) => target)]);
}

/** The event as it is stored if its redaction arrived first. */
export async function redacted(
  command: RoomCommand,
  unredacted: StoredEvent,
): Promise<StoredEvent> {
  const redaction = await earlierRedaction(command.store, unredacted);
  if (redaction === undefined) return unredacted;
  command.dependOnStatesOf([redaction]);
  return { ...unredacted, event: redactEvent(unredacted.event), redactedBy: redaction.nid };
}

/**
 * Splits events into those whose auth events are known or come before them in the list, and the
 * others. In auth order.
 */
function byAuthEvents(
  events: readonly RoomEvent[],
  known: ReadonlyMap<EventId, StoredEvent>,
): { complete: RoomEvent[]; left: RoomEvent[] } {
  const complete: RoomEvent[] = [];
  const left: RoomEvent[] = [];
  const placed = new Set<EventId>();
  for (const event of events) {
    if (authIdsOf(event).every((id) => known.has(id) || placed.has(id))) {
      complete.push(event);
      placed.add(event.eventId);
    } else left.push(event);
  }
  return { complete, left };
}
