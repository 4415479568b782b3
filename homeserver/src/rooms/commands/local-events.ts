/** Events of local users: each is one command on the room's mailbox. */
import { errors } from "../../protocol/errors.ts";
import { addLocal } from "./local-drafts.ts";
import type { EventId, RoomId } from "../../protocol/identifiers.ts";
import { canonicalJsonLoose } from "../../protocol/json.ts";
import { PowerLevels } from "../../protocol/events/power-levels.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { CommandResult } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { ClientTransactionKey } from "../records/idempotency.ts";
import { notInRoom } from "./outsiders.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";
import type { EventTransactionIds } from "../records/event-transaction-ids.ts";
import { runCommand } from "./room-command.ts";
import type { RoomCommand } from "./room-command.ts";
import type { Identity, LocalDraft } from "./drafting.ts";

export interface LocalEvents {
  readonly identity: Identity;
  /** The room; M_FORBIDDEN when it does not exist, so that outsiders cannot tell the difference. */
  room(roomId: RoomId): Promise<Room>;
  /** Runs a command and commits what it added. */
  run<T>(room: Room, body: (command: RoomCommand) => Promise<T>): Promise<T>;
  /** The same for a command that adds one event, and answers its id. */
  runOnce(
    room: Room,
    transaction: ClientTransactionKey | undefined,
    body: (command: RoomCommand) => Promise<EventId>,
  ): Promise<EventId>;
  /**
   * Sends one event. When the sender's own state event there already has equal content, its id is
   * returned.
   */
  send(room: Room, draft: LocalDraft, transaction?: ClientTransactionKey): Promise<EventId>;
  /** Sends a redaction and applies it. M_NOT_FOUND, M_FORBIDDEN. */
  redact(
    room: Room,
    draft: LocalDraft & { readonly redacts: EventId },
    transaction?: ClientTransactionKey,
  ): Promise<EventId>;
}

export function createLocalEvents(
  store: RoomStore,
  mailboxes: Mailboxes,
  identity: Identity,
  eventTransactionIds: EventTransactionIds,
): LocalEvents {
  function sent(eventId: EventId, key: ClientTransactionKey | undefined): EventId {
    eventTransactionIds.sent(eventId, key);
    return eventId;
  }

  function runCommandOn<T>(
    room: Room,
    body: (command: RoomCommand) => Promise<CommandResult<T>>,
  ): Promise<T> {
    return mailboxes.run(room, (head) => runCommand(identity, head, body));
  }

  return {
    identity,
    async room(roomId) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw notInRoom();
      return room;
    },
    run: (room, body) => runCommandOn(room, async (command) => command.finish(await body(command))),
    runOnce: (room, transaction, body) =>
      runCommandOn(room, async (command) => {
        const eventId = sent(await body(command), transaction);
        return command.finish(eventId, {
          transaction: transaction && { ...transaction, eventId },
        });
      }),
    send: (room, draft, transaction) =>
      runCommandOn(room, async (command) => {
        const same = await unchanged(command, draft);
        if (same !== undefined) return { value: same };
        const eventId = sent((await addLocal(command, draft)).event.eventId, transaction);
        return command.finish(eventId, {
          transaction: transaction && { ...transaction, eventId },
        });
      }),
    redact: (room, draft, transaction) =>
      runCommandOn(room, async (command) => {
        const own = await command.stateEvent("m.room.member", draft.sender);
        if (own?.event.content.membership !== "join") {
          throw notInRoom();
        }
        const target = await command.store.events.byId(draft.redacts);
        // A target that is not stored here may exist on other servers: the redaction is kept for
        // its arrival.
        const isHere = target?.roomNid === room.nid;
        if (!isHere && (target !== undefined || !(await mayRedactAll(command, draft.sender)))) {
          throw errors.notFound("That event is not in the room");
        }
        // Up to version 10 this would also redact the room version, and nobody could join any more.
        if (target?.event.type === "m.room.create") {
          throw errors.forbidden("The event that made the room is not redacted");
        }
        if (target?.event.sender !== draft.sender) await requireRedactLevel(command, draft.sender);
        const redaction = await addLocal(command, draft);
        if (target?.redactedBy === null) command.redact(target, redaction);
        const eventId = sent(redaction.event.eventId, transaction);
        return command.finish(eventId, {
          transaction: transaction && { ...transaction, eventId },
        });
      }),
  };
}

/**
 * The present state event's id, when it is of the same sender and has the same content as the
 * draft.
 */
export async function unchanged(
  command: RoomCommand,
  draft: LocalDraft,
): Promise<EventId | undefined> {
  // A sticky event begins to be so anew.
  if (draft.stateKey === undefined || draft.stickyMs !== undefined) return undefined;
  const present = await command.stateEvent(draft.type, draft.stateKey);
  if (present === undefined || present.event.sender !== draft.sender) return undefined;
  const same = canonicalJsonLoose(present.event.content) === canonicalJsonLoose(draft.content);
  return same ? present.event.eventId : undefined;
}

/** The power levels in the current state. */
export async function powerLevelsOf(command: RoomCommand): Promise<PowerLevels> {
  const state = await command.state([
    ["m.room.power_levels", ""],
    ["m.room.create", ""],
  ]);
  return PowerLevels.of(
    state.get(stateTuple("m.room.power_levels", ""))?.event,
    state.get(stateTuple("m.room.create", ""))?.event,
    command.room.version,
  );
}

async function mayRedactAll(command: RoomCommand, sender: string): Promise<boolean> {
  const levels = await powerLevelsOf(command);
  return levels.userLevel(sender) >= levels.redact;
}

async function requireRedactLevel(command: RoomCommand, sender: string): Promise<void> {
  if (await mayRedactAll(command, sender)) return;
  throw errors.forbidden("Your power does not suffice to redact another user's event");
}
