/**
 * Membership of this server's users: join, knock, invite, leave, kick, ban, unban, forget, profile
 * changes.
 */
import type { Log } from "../../log/types.ts";
import { errors } from "../../protocol/errors.ts";
import { isUnknownToOthers } from "../../storage/federation/outbound.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import { memberDraft } from "../records/member-events.ts";
import type { MemberProfiles, RoomMembers } from "../api/index.ts";
import { createChangingOthers } from "./changing-others.ts";
import type { ChangingOthersDeps } from "./changing-others.ts";
import { createEntering } from "./entering.ts";
import type { EnteringDeps } from "./entering.ts";
import { createMemberContent, requestedContent } from "./member-content.ts";
import { createMemberByState } from "./members-by-state.ts";
import type { MemberByState } from "./members-by-state.ts";
import { createProfileChanges } from "./profile-changes.ts";
import type { RemoteMembership } from "./remote-membership.ts";
import { createResidency } from "./residency.ts";

export interface MembersDeps
  extends
    Omit<EnteringDeps, "remote" | "residency" | "memberContent">,
    Omit<ChangingOthersDeps, "remote" | "memberContent"> {
  readonly profiles: MemberProfiles;
  readonly log: Pick<Log, "append">;
  readonly remote: RemoteMembership;
}

export interface Members extends RoomMembers {
  /**
   * A member event that a client sends as state: handled by the rules of the matching operation,
   * with the client's content. Returns the id of the user's current member event. M_INVALID_PARAM,
   * M_BAD_JSON (400), and what the operation throws.
   */
  readonly byState: MemberByState;
}

export function createMembers(deps: MembersDeps): Members {
  const { store, local, profiles, remote } = deps;
  const memberContent = createMemberContent(profiles, local.identity.serverName);
  const residency = createResidency(deps);
  const others = createChangingOthers({ ...deps, memberContent });

  const operations: RoomMembers = {
    ...createEntering({ ...deps, residency, memberContent }),
    ...others.operations,
    profileChanged: createProfileChanges(store, local, profiles),

    async leave(request) {
      const { by, roomId } = request;
      const room = await store.registry.byId(roomId);
      const row = room && (await membershipIn(store.sql, room.nid, by.userId));
      if (room === undefined || row === undefined)
        throw errors.forbidden("You are not in that room");
      const isOut = row.membership === "leave" || row.membership === "ban";
      if (isOut && !(await isUnknownToOthers(store.sql, row.eventNid))) return;
      const content = { ...requestedContent(request), membership: "leave" };
      const isBeside = row.membership !== "join" && !(await residency.isInGraph(room, by.userId));
      if (isBeside && (await remote.leave(room, by.userId, content))) return;
      if (isOut) return;
      await local.send(room, memberDraft(by.userId, by.userId, content, request.originServerTs));
    },

    async forget(by, roomId) {
      const room = await store.registry.byId(roomId);
      const row = room && (await membershipIn(store.sql, room.nid, by.userId));
      if (room === undefined || row === undefined) throw errors.notFound("You know no such room");
      if (row.membership !== "leave" && row.membership !== "ban") {
        throw errors.unknown("Leave the room before you forget it", 400);
      }
      const record = { kind: "forgotten", roomNid: room.nid, roomId, userId: by.userId } as const;
      await deps.log.append({ records: [record] });
    },
  };
  const { changeOther, sendInvite: invite } = others;
  return {
    ...operations,
    byState: createMemberByState({ store, local, operations, changeOther, invite }),
  };
}
