/** Invites across servers, sent and received. */
import { addSignature } from "../../protocol/events/build-event.ts";
import { buildAllowed } from "../commands/local-drafts.ts";
import { strippedState } from "../../protocol/events/client-event.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import type { MatrixError } from "../../protocol/errors.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { roomVersion } from "../../protocol/room-versions.ts";
import { membershipIn, serverIsJoined } from "../../storage/rooms/members.ts";
import { countersigned } from "./countersigned.ts";
import { checkOpenInvites, inBrief } from "./invite-limits.ts";
import type { Invitees } from "./invitees.ts";
import type { Ingest } from "../receiving/ingest.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { memberDraft, membershipOf } from "../records/member-events.ts";
import type { RemoteMembership } from "./remote-membership.ts";
import type { OutOfBand } from "../commands/out-of-band.ts";
import { asOurFault, handedThrough, refusalIn } from "./remote-refusal.ts";
import type { RoomStore } from "../state/store.ts";
import { shownByInvite } from "./remote-stripped-state.ts";
import { STRIPPED_TYPES, withinLimits } from "../state/stripped-state.ts";
import type { EventKeys } from "../../federation-client/keys/key-ring.ts";
import type { RemoteRooms } from "../../federation-client/types.ts";
import type { RoomFederation } from "../api/federation.ts";
import type { CheckNotBlocked } from "../state/blocked-rooms.ts";
import type { Room, StoredEvent } from "../api/index.ts";
import { verifyPdus } from "../checks/checks-on-receipt.ts";
import type { RoomCommand } from "../commands/room-command.ts";

export interface InviteDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly ingest: Ingest;
  readonly outOfBand: OutOfBand;
  readonly remote: Pick<RemoteRooms, "invite">;
  readonly keyRing: EventKeys;
  readonly checkNotBlocked: CheckNotBlocked;
  readonly invitees: Invitees;
}

export function createInvites(deps: InviteDeps): {
  /** Sends the invite of a local user to a remote one. */
  send: RemoteMembership["invite"];
  /** Receives the invite of a remote user for a local one. */
  receive: RoomFederation["invite"];
} {
  const { store, local, remote, keyRing } = deps;
  const { serverName, signingKey } = local.identity;

  return {
    async send(room, sender, userId, content) {
      const { event, state } = await local.run(room, (command) =>
        draftInvite(command, sender, userId, content),
      );
      const answer = await remote
        .invite(serverOf(userId), room.roomId, event.eventId, {
          event: event.pdu,
          room_version: room.version.id,
          invite_room_state: withinLimits(state.map((stored) => stored.event.pdu)),
        })
        .catch((error: unknown) => {
          throw refusal(error, userId);
        });
      const signed = (await countersigned(keyRing, event, answer.event)) ?? event;
      const placed = await deps.ingest.one(room, signed);
      if (placed.reason !== undefined) throw errors.forbidden(placed.reason);
      return event.eventId;
    },

    async receive(origin, roomId, eventId, body) {
      const known = await store.registry.byId(roomId);
      // The older endpoint names no version. It serves versions 1 and 2, whose events look alike.
      const { roomVersion: id = known?.version.id === "2" ? "2" : "1" } = body;
      const version = roomVersion(id);
      if (version === undefined) throw errors.incompatibleRoomVersion(id);
      const [verified] = await verifyPdus(keyRing, [body.event], version);
      const event = verified?.event;
      if (event === undefined) throw errors.invalidParam(verified?.reason ?? "The invite is wrong");
      const { stateKey, content } = event;
      if (event.eventId !== eventId || event.roomId !== roomId) {
        throw errors.invalidParam("The event is not the one in the path");
      }
      if (event.type !== "m.room.member" || content.membership !== "invite") {
        throw errors.invalidParam("The event is not an invite");
      }
      if (!isUserId(stateKey) || serverOf(stateKey) !== serverName) {
        throw errors.invalidParam("The invited user is not of this server");
      }
      if (serverOf(event.sender) !== origin) {
        throw errors.invalidParam("The invite is not of the server that sends it");
      }
      await deps.invitees.check(stateKey, event.sender);
      await deps.checkNotBlocked(roomId);
      const isIn = known && (await serverIsJoined(store.sql, known.nid, serverName));
      const about = { roomId, userId: stateKey, server: origin };
      const length = isIn === true ? "full" : await checkOpenInvites(store, about);
      const showing = { roomId, version, inviter: event.sender };
      const shown = await shownByInvite(keyRing, body.inviteRoomState, showing);
      const signed = addSignature(event, serverName, signingKey);
      if (known !== undefined && isIn === true) {
        if (known.version !== version) throw errors.incompatibleRoomVersion(known.version.id);
        return signed.pdu;
      }
      // A repeated request, because our answer was lost: the user may have answered the invite
      // meanwhile.
      if (known !== undefined && (await isAnswered(known, event))) return signed.pdu;
      const room = await store.registry.claimed(roomId, version, local.identity.now());
      if ("settled" in room) throw errors.incompatibleRoomVersion(room.settled);
      const stripped = strippedState(event);
      const all = length === "full" ? [...shown, stripped] : inBrief(shown, stripped);
      const how = { shown: all, origin };
      await deps.outOfBand.store(room, signed, stateKey, how);
      return signed.pdu;
    },
  };

  /** The invite was stored before, and the user's membership has changed since. */
  async function isAnswered(room: Room, { eventId, stateKey }: RoomEvent): Promise<boolean> {
    const before = await store.events.byId(eventId);
    const row = before && (await membershipIn(store.sql, room.nid, stateKey as UserId));
    return row !== undefined && row.eventNid !== before?.nid;
  }
}

/**
 * The auth rules let an invite by address through that is for a member of the room: it would put
 * them out of it.
 */
export async function refuseMembers(
  command: RoomCommand,
  userId: UserId,
  content: JsonObject,
): Promise<void> {
  if (content.third_party_invite === undefined) return;
  const present = await command.stateEvent("m.room.member", userId);
  if (membershipOf(present) === "join") throw errors.forbidden("That user is in the room already");
}

interface Drafted {
  readonly event: RoomEvent;
  readonly state: StoredEvent[];
}

/**
 * Builds the invite on the head without adding it: the other server signs first. It is built again
 * even if an equal one is in the state, since the other server may have declined that one without
 * this server knowing.
 */
async function draftInvite(
  command: RoomCommand,
  sender: UserId,
  userId: UserId,
  content: JsonObject,
): Promise<Drafted> {
  await refuseMembers(command, userId, content);
  const draft = memberDraft(sender, userId, content);
  const { event } = await buildAllowed(command, draft);
  const keys = STRIPPED_TYPES.map((type) => [type, ""] as const);
  const shown = await command.state([...keys, ["m.room.member", sender]]);
  return { event, state: [...shown.values()] };
}

/**
 * The error for the client. If the other server calls the request malformed, that is this server's
 * fault, not the client's (server-server API, PUT /invite).
 */
function refusal(error: unknown, userId: UserId): MatrixError {
  const failed = `${serverOf(userId)} did not take the invite`;
  const { code } = refusalIn(error) ?? {};
  if (code === "M_INCOMPATIBLE_ROOM_VERSION" || code === "M_UNSUPPORTED_ROOM_VERSION") {
    return matrixError("M_UNSUPPORTED_ROOM_VERSION", `${failed}: ${(error as Error).message}`);
  }
  return handedThrough(asOurFault(error, failed), failed);
}
