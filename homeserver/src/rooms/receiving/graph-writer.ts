/**
 * Adds verified events to a room's graph on its mailbox, one after another, and rejudges events
 * that depended on them.
 */
import { Unstorable } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import { redactionsOf } from "../../storage/rooms/events.ts";
import { awaitedEvents } from "../../storage/rooms/gaps.ts";
import { historyPosition } from "./history-position.ts";
import type { CommandResult } from "../commands/mailbox.ts";
import type { Mailboxes } from "../commands/mailboxes.ts";
import type { MergeIfMany } from "./merge-extremities.ts";
import type { Outliers } from "../fetching/outliers.ts";
import type { Moment } from "../records/pending.ts";
import type { PduCheck } from "../checks/pdu-check.ts";
import { RefusedByArchive } from "../commands/archived.ts";
import { checkAndAdd } from "./add-to-graph.ts";
import type { CheckedEvent, ReceivedEvent } from "./add-to-graph.ts";
import { LacksPolicySignature, recommended } from "../commands/policy-server.ts";
import { createRejudge } from "./rejudge.ts";
import type { Rejudge } from "./rejudge.ts";
import type { PduRejections } from "./pdu-rejections.ts";
import type { RoomStore } from "../state/store.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { Room } from "../api/index.ts";
import { runCommand } from "../commands/room-command.ts";
import type { RoomCommand } from "../commands/room-command.ts";
import type { Identity } from "../commands/drafting.ts";

export interface GraphWriterDeps {
  readonly store: RoomStore;
  readonly mailboxes: Mailboxes;
  readonly identity: Identity;
  readonly outliers: Outliers;
  readonly mergeIfMany: MergeIfMany;
  readonly rejections: PduRejections;
  readonly remote: Pick<RemoteRooms, "signByPolicy">;
  readonly logger: Logger;
}

/** What became of an event: added, or the reason why not. `isFinal`: trying again is useless. */
export type IngestResult =
  | { readonly placed: CheckedEvent }
  | { readonly error: string; readonly isFinal: boolean };

export type IngestResults = Map<EventId, IngestResult>;

export interface WriteOptions {
  /** The server that sent the events. */
  readonly origin: ServerName | undefined;
  /** This server forwards the events to the others in the room. */
  readonly forward?: boolean | undefined;
}

/**
 * Look-ups made for many events at once, which the mailbox need not repeat. They hold until the
 * room changes after `moment`; from then on, and at further attempts, a command looks for itself.
 */
interface Hints {
  readonly moment: Moment | undefined;
  readonly known: ReadonlySet<EventId>;
  readonly redacted: ReadonlySet<string>;
  readonly awaited: ReadonlySet<string>;
}

/** An event to add, with its circumstances. */
interface EventToWrite extends Pick<
  ReceivedEvent,
  "event" | "remoteState" | "history" | "forwarded" | "handedOver"
> {
  readonly hints: Hints;
}

export interface GraphWriter {
  hintsFor(room: Room, events: readonly RoomEvent[]): Promise<Hints>;
  /**
   * Adds events in the given order; never throws because of a single one. `stateOf` fetches the
   * states before an event from other servers, where needed.
   */
  writeAll(
    room: Room,
    events: readonly RoomEvent[],
    options: WriteOptions,
    stateOf?: (event: RoomEvent) => Promise<ReceivedEvent["remoteState"]>,
  ): Promise<IngestResults>;
  /** Adds one event and reports what became of it. */
  write(room: Room, toWrite: EventToWrite, options: WriteOptions): Promise<IngestResult>;
  /** Adds one event that lacks nothing; throws when something is missing. */
  writeOne(room: Room, event: RoomEvent): Promise<CheckedEvent>;
  readonly rejudge: Rejudge;
}

export function createGraphWriter(deps: GraphWriterDeps): GraphWriter {
  const { store, mailboxes, identity, rejections, logger } = deps;

  async function hintsFor(room: Room, events: readonly RoomEvent[]): Promise<Hints> {
    // Taken before the queries: whatever changes while they run makes the hints invalid.
    const moment = store.pendingIds.moment(room.nid);
    const ids = events.map((event) => event.eventId);
    const [known, redactions, awaited] = await Promise.all([
      store.events.byIds(ids),
      redactionsOf(store.sql, ids),
      awaitedEvents(store.sql, room.nid, ids),
    ]);
    return {
      moment,
      known: new Set(known.keys()),
      redacted: new Set(redactions.map((row) => row.target)),
      awaited: new Set(awaited.map((row) => row.eventId)),
    };
  }

  /** One attempt, on the mailbox. */
  async function attempt(
    room: Room,
    command: RoomCommand,
    { hints, history, ...received }: EventToWrite & Pick<ReceivedEvent, "again" | "notRecommended">,
  ): Promise<CommandResult<CheckedEvent>> {
    const { eventId } = received.event;
    // What came before is taken in: readers page back.
    if (command.isArchived && history === undefined) throw new RefusedByArchive();
    const isSure = command.store.pending.isAt(hints.moment);
    const mayBeKnown = !isSure || hints.known.has(eventId);
    const mayBeRedacted = !isSure || hints.redacted.has(eventId);
    const mayBeAwaited = !isSure || hints.awaited.has(eventId);
    const place = await historyPosition(command, eventId, history, mayBeAwaited);
    const about = { mayBeKnown, mayBeRedacted, history: place };
    const placed = await checkAndAdd(command, { ...received, ...about });
    if (placed === undefined) throw new Incomplete("prev or auth events are missing");
    if (command.added.length === 0) return command.finish(placed);
    await deps.mergeIfMany(room, command.extremities.length);
    const isEnd = command.extremities.some(({ nid }) => nid === placed.stored.nid);
    const isAccepted = placed.stored.status === "accepted";
    const closes = place !== undefined || (isAccepted && (!isEnd || mayBeAwaited));
    return command.finish(placed, { append: gapRows(room, placed, closes) });
  }

  async function runChecks(
    room: Room,
    toWrite: EventToWrite & Pick<ReceivedEvent, "again" | "notRecommended">,
  ): Promise<CheckedEvent> {
    try {
      return await mailboxes.run(room, (head) =>
        runCommand(identity, head, (command) => attempt(room, command, toWrite)),
      );
    } catch (error) {
      if (!(error instanceof LacksPolicySignature)) throw error;
      const asked = await recommended(deps.remote, error.policy, toWrite.event);
      const event = "event" in asked ? asked.event : toWrite.event;
      const notRecommended = "reason" in asked ? asked.reason : error.message;
      return runChecks(room, { ...toWrite, event, notRecommended });
    }
  }

  async function write(
    room: Room,
    toWrite: EventToWrite,
    { origin }: WriteOptions,
  ): Promise<IngestResult> {
    const { event } = toWrite;
    const fields = { room: event.roomId, event: event.eventId, origin };
    try {
      const placed = await runChecks(room, toWrite);
      const { status } = placed.stored;
      const { reason, check } = placed;
      if (check !== undefined && reason !== undefined && status !== "accepted") {
        rejections.note({ ...fields, clause: check, reason, outcome: status });
      }
      if (placed.isRejudged) {
        await rejudge.because(room, placed.stored.nid).catch((error: unknown) => {
          logger.warn({ ...fields, err: error }, "rejected events could not be judged again yet");
        });
      }
      return { placed };
    } catch (error) {
      const clause = finalClause(error);
      if (clause !== undefined) {
        const reason = (error as Error).message;
        rejections.note({ ...fields, clause, reason, outcome: "dropped" });
        return { error: reason, isFinal: true };
      }
      logger.warn({ ...fields, err: error }, "an event could not be placed");
      const known = error instanceof Incomplete;
      return { error: known ? error.message : "The event could not be placed", isFinal: false };
    }
  }

  const rejudge = createRejudge({
    ...{ store, outliers: deps.outliers },
    async passes(room, event) {
      const hints = await hintsFor(room, [event]);
      const { stored } = await runChecks(room, { event, hints, again: true });
      return stored.status !== "rejected";
    },
    resolve: (room) =>
      mailboxes.run(room, (head) =>
        runCommand(identity, head, async (command) => {
          const { extremities, stateRoot, store: seen } = command;
          if (extremities.length < 2) return command.finish(undefined);
          seen.committed.resolutions.forget(room.nid);
          await command.setExtremities(extremities);
          return command.finish(undefined, command.stateRoot === stateRoot ? {} : { append: {} });
        }),
      ),
  });

  return {
    rejudge,
    hintsFor,
    write,
    async writeAll(room, events, { origin, forward }, stateOf) {
      const hints = await hintsFor(room, events);
      const results = new Map<EventId, Promise<IngestResult>>();
      for (const event of events) {
        // Fetching the state needs the events before this one: they are already in the mailbox's
        // queue.
        const remoteState = await stateOf?.(event);
        // An event of ours that came from another server is already stored: that server has sent it
        // on.
        const handedOver = origin !== undefined && forward !== true;
        const toWrite = { event, remoteState, forwarded: forward, handedOver, hints };
        results.set(event.eventId, write(room, toWrite, { origin }));
      }
      const settled: IngestResults = new Map();
      for (const [id, result] of results) settled.set(id, await result);
      return settled;
    },
    async writeOne(room, event) {
      return runChecks(room, { event, hints: await hintsFor(room, [event]) });
    },
  };
}

/** Why trying again is useless; undefined where it is not. */
function finalClause(error: unknown): PduCheck | undefined {
  if (error instanceof Unstorable) return "not storable";
  return error instanceof RefusedByArchive ? "archived" : undefined;
}

/** Something that the event builds on is unavailable at the moment. */
class Incomplete extends Error {
  override name = "Incomplete";
}

/** `closes`: events may have been waiting for this one. */
function gapRows(room: Room, placed: CheckedEvent, closes: boolean) {
  const { stored, missing } = placed;
  const add =
    stored.status === "rejected"
      ? []
      : missing.map((eventId) => ({ roomNid: room.nid, eventId, childNid: stored.nid }));
  const remove = closes ? [{ roomNid: room.nid, eventId: stored.event.eventId }] : [];
  return add.length === 0 && remove.length === 0 ? {} : { missing: { add, remove } };
}
