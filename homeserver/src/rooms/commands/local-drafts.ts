/** Turns drafts of this server's users into events on top of a room's head. */
import {
  authorise,
  authTypesFor,
  requiredSigners,
  SENDER_IS_OUT,
} from "../../protocol/auth/index.ts";
import { buildEvent, draftPdu } from "../../protocol/events/build-event.ts";
import type { EventDraft } from "../../protocol/events/build-event.ts";
import { errors, rejectionOf } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { authStateIn } from "../state/reader.ts";
import type { StateKey } from "../state/tuples.ts";
import type { StoredEvent } from "../api/index.ts";
import { refuseInArchived } from "./archived.ts";
import { draftAt } from "./drafting.ts";
import type { LocalDraft } from "./drafting.ts";
import { counted } from "./extremities.ts";
import type { RoomCommand } from "./room-command.ts";

/**
 * Adds a local event on top of the head: selects its auth events, builds it, and authorises it
 * against the current state. Throws MatrixError M_FORBIDDEN (the auth rules), M_TOO_LARGE,
 * M_BAD_JSON, and the refusal of a policy server.
 */
export async function addLocal(command: RoomCommand, draft: LocalDraft): Promise<StoredEvent> {
  if (draft.type.includes("\0") || draft.stateKey?.includes("\0") === true) {
    throw errors.badJson("An event's type and state key hold no NUL");
  }
  const { event, authEvents } = await buildAllowed(command, draft);
  if (event.type === "m.room.member") requireOwnSignature(command, event);
  const endorsed = (await command.identity.endorse?.(command, event)) ?? event;
  return command.addOnHead(endorsed, authEvents);
}

/**
 * The event that the draft becomes on this head, hashed and signed, with its auth events. Throws
 * MatrixError M_FORBIDDEN when the current state does not allow it, or the room is archived.
 */
export async function buildAllowed(
  command: RoomCommand,
  draft: LocalDraft,
): Promise<{ event: RoomEvent; authEvents: readonly StoredEvent[] }> {
  if (command.isArchived) refuseInArchived(draft);
  const { version } = command.room;
  const selected = authTypesFor(draft, version);
  const keys: StateKey[] = [...selected, ["m.room.create", ""]];
  const state = await command.state(keys);
  const authEvents = selected.flatMap(([type, key]) => state.get(stateTuple(type, key)) ?? []);
  const { serverName, signingKey } = command.identity;
  const event = buildEvent(onHead(command, draft, authEvents), version, serverName, signingKey);
  const reason = rejectionOf(() => authorise(event, authStateIn(state)));
  if (reason !== undefined) throw errors.forbidden(toClient(reason));
  return { event, authEvents };
}

/** The same without hashes and signatures, for make_join and the like. */
export function templateOf(
  command: RoomCommand,
  draft: LocalDraft,
  authEvents: readonly StoredEvent[],
): JsonObject {
  return draftPdu(onHead(command, draft, authEvents), command.room.version);
}

function onHead(
  { room, extremities, depth, identity }: RoomCommand,
  draft: LocalDraft,
  authEvents: readonly StoredEvent[],
): EventDraft {
  return draftAt({ room, prev: counted(extremities), depth, authEvents }, draft, identity.now());
}

/**
 * An event that needs another server's signature as well cannot be sent: other servers would refuse
 * it.
 */
function requireOwnSignature({ serverName }: RoomCommand, event: RoomEvent): void {
  const other = requiredSigners(event).find((server) => server !== serverName);
  if (other !== undefined) throw errors.forbidden(`The event needs a signature of ${other}`);
}

/** The answer to users who are not in the room is the one for rooms that do not exist. */
function toClient(reason: string): string {
  return reason === SENDER_IS_OUT ? "You are not in that room" : reason;
}
