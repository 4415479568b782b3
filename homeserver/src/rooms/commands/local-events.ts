/** Events of this server's users: one command on the room's mailbox each. */
import { errors } from "../../protocol/errors.ts";
import type { EventId, RoomId } from "../../protocol/identifiers.ts";
import { canonicalJsonLoose } from "../../protocol/json.ts";
import { PowerLevels } from "../../protocol/events/power-levels.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import type { Step } from "./mailbox.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { TransactionKey } from "../records/idempotency.ts";
import { notInRoom } from "./outsiders.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";
import type { Transactions } from "../records/event-transaction-ids.ts";
import { inWork } from "./room-command.ts";
import type { Work } from "./room-command.ts";
import type { Identity, LocalDraft } from "./drafting.ts";

export interface LocalEvents {
  readonly identity: Identity;
  /** The room, or M_FORBIDDEN: who isn't in it is not told whether it exists. */
  room(roomId: RoomId): Promise<Room>;
  /** Runs a command with the room's work. */
  work<T>(room: Room, command: (work: Work) => Promise<T>): Promise<T>;
  /** Sends one event. An equal state event of the same sender is answered with the one that is there. */
  send(room: Room, draft: LocalDraft, transaction?: TransactionKey): Promise<EventId>;
  /** Sends a redaction and applies it. M_NOT_FOUND, M_FORBIDDEN. */
  redact(
    room: Room,
    draft: LocalDraft & { readonly redacts: EventId },
    transaction?: TransactionKey,
  ): Promise<EventId>;
}

export function createLocalEvents(
  store: RoomStore,
  mailboxes: Mailboxes,
  identity: Identity,
  transactions: Transactions,
): LocalEvents {
  function sent(eventId: EventId, key: TransactionKey | undefined): EventId {
    transactions.sent(eventId, key?.deviceId ?? "", key?.txnId);
    return eventId;
  }

  function runWork<T>(room: Room, command: (work: Work) => Promise<Step<T>>): Promise<T> {
    return mailboxes.run(room, (head) => inWork(identity, head, command));
  }

  return {
    identity,
    async room(roomId) {
      const room = await store.registry.byId(roomId);
      if (room === undefined) throw notInRoom();
      return room;
    },
    work: (room, command) => runWork(room, async (work) => work.step(await command(work))),
    send: (room, draft, transaction) =>
      runWork(room, async (work) => {
        const same = await unchanged(work, draft);
        if (same !== undefined) return { value: same };
        const eventId = sent((await work.local(draft)).event.eventId, transaction);
        return work.step(eventId, {
          transaction: transaction && { ...transaction, eventId },
        });
      }),
    redact: (room, draft, transaction) =>
      runWork(room, async (work) => {
        const own = await work.stateEvent("m.room.member", draft.sender);
        if (own?.event.content.membership !== "join") {
          throw notInRoom();
        }
        const target = await work.store.events.byId(draft.redacts);
        // One that is not here may be with other servers: the redaction waits for it.
        const isHere = target?.roomNid === room.nid;
        if (!isHere && (target !== undefined || !(await mayRedactAll(work, draft.sender)))) {
          throw errors.notFound("That event is not in the room");
        }
        // Up to version 10 the room's version would be gone with it, and nobody could join any more.
        if (target?.event.type === "m.room.create") {
          throw errors.forbidden("The event that made the room is not redacted");
        }
        if (target?.event.sender !== draft.sender) await requireRedactLevel(work, draft.sender);
        const redaction = await work.local(draft);
        if (target?.redactedBy === null) work.redact(target, redaction);
        const eventId = sent(redaction.event.eventId, transaction);
        return work.step(eventId, {
          transaction: transaction && { ...transaction, eventId },
        });
      }),
  };
}

/** The present state event, when the draft is of the same sender and says the same. */
export async function unchanged(work: Work, draft: LocalDraft): Promise<EventId | undefined> {
  if (draft.stateKey === undefined) return undefined;
  const present = await work.stateEvent(draft.type, draft.stateKey);
  if (present === undefined || present.event.sender !== draft.sender) return undefined;
  const same = canonicalJsonLoose(present.event.content) === canonicalJsonLoose(draft.content);
  return same ? present.event.eventId : undefined;
}

/** Power levels in force on the head. */
export async function powerLevelsOf(work: Work): Promise<PowerLevels> {
  const state = await work.state([
    ["m.room.power_levels", ""],
    ["m.room.create", ""],
  ]);
  return PowerLevels.of(
    state.get(stateTuple("m.room.power_levels", ""))?.event,
    state.get(stateTuple("m.room.create", ""))?.event,
    work.room.version,
  );
}

async function mayRedactAll(work: Work, sender: string): Promise<boolean> {
  const levels = await powerLevelsOf(work);
  return levels.userLevel(sender) >= levels.redact;
}

async function requireRedactLevel(work: Work, sender: string): Promise<void> {
  if (await mayRedactAll(work, sender)) return;
  throw errors.forbidden("Your power does not suffice to redact another user's event");
}
