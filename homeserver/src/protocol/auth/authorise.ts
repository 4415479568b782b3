import { Rejection } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import { createEventIdOf, serverOf, serverOfEventId } from "../identifiers.ts";
import { checkKeyLengths } from "../events/pdu.ts";
import { PowerLevels } from "../events/power-levels.ts";
import type { AuthContext } from "./context.ts";
import { checkCreate } from "./create.ts";
import { checkMember, requireJoinedSender } from "./member.ts";
import { checkPowerLevels } from "./power-levels.ts";
import type { AuthState } from "./state.ts";

/**
 * The authorisation rules of the event's room version, all but the one on `auth_events`, which
 * `checkAuthEvents` is. Throws a Rejection with the reason; returns when the event is allowed.
 * The comments count the rules as version 12 does. (Room versions, "Authorisation rules".)
 *
 * @param state the room's state before the event, at least what `authTypesFor` names, and the
 *   create event in every version
 */
export function authorise(event: RoomEvent, state: AuthState): void {
  checkKeyLengths(event);
  // 1
  if (event.type === "m.room.create") return checkCreate(event);
  const context = contextOf(event, state);
  // 4
  checkFederation(context);
  // Versions 1 to 5: rule 4
  if (event.version.aliasesRule && event.type === "m.room.aliases") return checkAliases(event);
  // 5
  if (event.type === "m.room.member") return checkMember(context);
  // 6
  requireJoinedSender(context);
  // 7
  if (event.type === "m.room.third_party_invite") return checkThirdPartyInvite(context);
  // 8
  checkRequiredLevel(context);
  // 9
  checkOwnStateKey(event);
  // 10
  if (event.type === "m.room.power_levels") return checkPowerLevels(context);
  // Versions 1 and 2: rule 11
  if (event.version.redactionAuthRule && event.type === "m.room.redaction") checkRedaction(context);
}

function contextOf(event: RoomEvent, state: AuthState): AuthContext {
  const create = state.get("m.room.create", "");
  if (create === undefined) throw new Rejection("The room has no m.room.create");
  // 2: from version 12 the room's id is its create event's.
  if (event.version.roomIdIsCreateHash && create.eventId !== createEventIdOf(event.roomId)) {
    throw new Rejection("The room's id is not that of its m.room.create");
  }
  const levels = PowerLevels.of(state.get("m.room.power_levels", ""), create, event.version);
  return { event, state, create, levels, senderLevel: levels.userLevel(event.sender) };
}

/** 4: rooms that are not federated accept events of their creator's server only. */
function checkFederation({ event, create }: AuthContext): void {
  if (create.content["m.federate"] !== false) return;
  if (serverOf(event.sender) !== serverOf(create.sender)) {
    throw new Rejection("The room is not federated");
  }
}

function checkAliases(event: RoomEvent): void {
  if (event.stateKey !== serverOf(event.sender)) {
    throw new Rejection("The state key of m.room.aliases is not the sender's server");
  }
}

/** 7 */
function checkThirdPartyInvite({ levels, senderLevel }: AuthContext): void {
  if (senderLevel < levels.invite)
    throw new Rejection("The sender's power does not suffice to invite");
}

/** 8 */
function checkRequiredLevel({ event, levels, senderLevel }: AuthContext): void {
  if (levels.required(event.type, event.stateKey !== undefined) > senderLevel) {
    throw new Rejection(`The sender's power does not suffice to send ${event.type}`);
  }
}

/** 9: state under a user's id is that user's. */
function checkOwnStateKey(event: RoomEvent): void {
  if (event.stateKey?.startsWith("@") === true && event.stateKey !== event.sender) {
    throw new Rejection("The state key is another user's id");
  }
}

function checkRedaction({ event, levels, senderLevel }: AuthContext): void {
  if (senderLevel >= levels.redact) return;
  const server = serverOfEventId(event.eventId);
  if (
    event.redacts === undefined ||
    server === undefined ||
    serverOfEventId(event.redacts) !== server
  ) {
    throw new Rejection("The sender's power does not suffice to redact this event");
  }
}
