/** What users of this server do to the membership of others: invites, kicks, bans. */
import { errors } from "../../protocol/errors.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { EventId, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { addLocal } from "../commands/local-drafts.ts";
import { unchanged } from "../commands/local-events.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import { hidingFromOutsiders } from "../commands/outsiders.ts";
import { memberDraft, membershipOf, requireKickable } from "../records/member-events.ts";
import type { ClientTransactionKey } from "../records/idempotency.ts";
import type { PartialRooms } from "../records/partial-rooms.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, RoomMembers } from "../api/index.ts";
import type { Invitees } from "./invitees.ts";
import { refuseMembers } from "./invites.ts";
import { requestedContent } from "./member-content.ts";
import type { MemberContent } from "./member-content.ts";
import type { ByStateDeps, ChangeOther } from "./members-by-state.ts";
import type { RemoteMembership } from "./remote-membership.ts";

export interface ChangingOthersDeps {
  readonly store: RoomStore;
  readonly local: LocalEvents;
  readonly partial: PartialRooms;
  readonly invitees: Invitees;
  readonly remote: Pick<RemoteMembership, "invite">;
  readonly memberContent: MemberContent;
}

export interface ChangingOthers {
  readonly operations: Pick<RoomMembers, "invite" | "kick" | "ban" | "unban">;
  readonly changeOther: ChangeOther;
  readonly sendInvite: ByStateDeps["invite"];
}

export function createChangingOthers(deps: ChangingOthersDeps): ChangingOthers {
  const { store, local, partial, remote, memberContent } = deps;
  const { serverName } = local.identity;

  async function sendInvite(
    room: Room,
    sender: UserId,
    userId: UserId,
    content: JsonObject,
    originServerTs?: number,
    transaction?: ClientTransactionKey,
  ): Promise<EventId> {
    await partial.whole(room.nid);
    return hidingFromOutsiders(store.sql, room, sender, async () => {
      if (serverOf(userId) !== serverName) return remote.invite(room, sender, userId, content);
      await deps.invitees.check(userId, sender);
      await store.tuples.make([["m.room.member", userId]]);
      return local.runOnce(room, transaction, async (command) => {
        const draft = memberDraft(sender, userId, content, originServerTs);
        await refuseMembers(command, userId, content);
        const present = await unchanged(command, draft);
        return present ?? (await addLocal(command, draft)).event.eventId;
      });
    });
  }

  /** Kick, ban, unban. `check` gets the present member event and may throw. */
  async function changeOther(
    ...[request, membership, check, transaction]: Parameters<ChangeOther>
  ): Promise<EventId> {
    const room = await local.room(request.roomId);
    await partial.whole(room.nid);
    return local.runOnce(room, transaction, async (command) => {
      const present = await command.stateEvent("m.room.member", request.userId);
      const mine = await command.stateEvent("m.room.member", request.by.userId);
      if (mine?.event.content.membership !== "join") {
        throw errors.forbidden("You are not in that room");
      }
      check(present);
      const content = { ...requestedContent(request), membership };
      const { by, userId, originServerTs } = request;
      const draft = memberDraft(by.userId, userId, content, originServerTs);
      // Another server may have missed an earlier event with the same content.
      const isOurs = serverOf(request.userId) === serverName;
      const same = isOurs ? await unchanged(command, draft) : undefined;
      return same ?? (await addLocal(command, draft)).event.eventId;
    });
  }

  const operations: ChangingOthers["operations"] = {
    async invite(request) {
      const { by, userId, isDirect, thirdPartyInvite } = request;
      const room = await local.room(request.roomId);
      const content = {
        ...(await memberContent("invite", userId, request)),
        ...(isDirect === true ? { is_direct: true } : {}),
        ...(thirdPartyInvite === undefined ? {} : { third_party_invite: thirdPartyInvite }),
      };
      await sendInvite(room, by.userId, userId, content);
    },

    async kick(request) {
      await changeOther(request, "leave", requireKickable);
    },
    async ban(request) {
      await changeOther(request, "ban", () => {});
    },
    async unban(request) {
      await changeOther(request, "leave", (present) => {
        if (membershipOf(present) !== "ban") throw errors.forbidden("That user is not banned");
      });
    },
  };
  return { operations, changeOther, sendInvite };
}
