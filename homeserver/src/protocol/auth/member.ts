import { Rejection } from "../errors.ts";
import { isUserId } from "../identifiers.ts";
import type { JsonObject } from "../json.ts";
import type { AuthContext } from "./context.ts";
import { checkJoin, joinRuleOf } from "./join.ts";
import { membershipIn } from "./state.ts";
import { checkClaimedInvite } from "./third-party-invite.ts";

/** The reason when the sender is not joined. */
export const SENDER_IS_OUT = "The sender is not in the room";

/**
 * The rule of m.room.member (versions 1 to 5 and 12: rule 5; others: rule 4; the comments count as
 * version 12 does). Whether the authorising user's server signed a join (5.2) is checked when the
 * event is received: `requiredSigners` names that server. Throws a Rejection.
 */
export function checkMember(context: AuthContext): void {
  const { content, stateKey, version } = context.event;
  // 5.1
  if (!isUserId(stateKey)) throw new Rejection("The state key of m.room.member is not a user");
  if (content.membership === undefined) throw new Rejection("m.room.member has no membership");
  switch (content.membership) {
    case "join":
      // 5.2: there is no server that could have signed.
      if (version.restrictedJoins && hasBadAuthorisingUser(content)) {
        throw new Rejection("Who vouches for the join is not a user");
      }
      return checkJoin(context);
    case "invite":
      return checkInvite(context, stateKey);
    case "leave":
      return checkLeave(context, stateKey);
    case "ban":
      return checkBan(context, stateKey);
    case "knock":
      if (version.knock) return checkKnock(context, stateKey);
  }
  // 5.8
  throw new Rejection("The membership is not known");
}

function hasBadAuthorisingUser({
  join_authorised_via_users_server: authorisingUser,
}: JsonObject): boolean {
  return authorisingUser !== undefined && !isUserId(authorisingUser);
}

/** 5.4 */
function checkInvite(context: AuthContext, target: string): void {
  const { event, state, levels, senderLevel } = context;
  // 5.4.1
  if (event.content.third_party_invite !== undefined) return checkClaimedInvite(context);
  // 5.4.2
  requireJoinedSender(context);
  // 5.4.3
  const membership = membershipIn(state, target);
  if (membership === "join") throw new Rejection("The invited user is in the room already");
  if (membership === "ban") throw new Rejection("The invited user is banned from the room");
  // 5.4.4, 5.4.5
  if (senderLevel < levels.invite)
    throw new Rejection("The sender's power does not suffice to invite");
}

/** 5.5 */
function checkLeave(context: AuthContext, target: string): void {
  const { event, state, levels, senderLevel } = context;
  const membership = membershipIn(state, target);
  // 5.5.1
  if (event.sender === target) {
    const knocked = membership === "knock" && event.version.knock;
    if (membership === "invite" || membership === "join" || knocked) return;
    throw new Rejection("The user has nothing to leave");
  }
  // 5.5.2
  requireJoinedSender(context);
  // 5.5.3
  if (membership === "ban" && senderLevel < levels.ban) {
    throw new Rejection("The sender's power does not suffice to unban");
  }
  // 5.5.4, 5.5.5
  if (senderLevel < levels.kick || levels.userLevel(target) >= senderLevel) {
    throw new Rejection("The sender's power does not suffice to remove this user");
  }
}

/** 5.6 */
function checkBan(context: AuthContext, target: string): void {
  const { levels, senderLevel } = context;
  // 5.6.1
  requireJoinedSender(context);
  // 5.6.2, 5.6.3
  if (senderLevel < levels.ban || levels.userLevel(target) >= senderLevel) {
    throw new Rejection("The sender's power does not suffice to ban this user");
  }
}

/** 5.7 */
function checkKnock(context: AuthContext, target: string): void {
  const { event, state } = context;
  // 5.7.1
  const joinRule = joinRuleOf(context);
  if (joinRule !== "knock" && joinRule !== "knock_restricted") {
    throw new Rejection("The room does not take knocks");
  }
  // 5.7.2
  if (event.sender !== target) throw new Rejection("Nobody can knock for somebody else");
  // 5.7.3, 5.7.4
  const membership = membershipIn(state, target);
  if (membership === "ban" || membership === "invite" || membership === "join") {
    throw new Rejection("The user is banned, invited or in the room already");
  }
}

/** The sender has to be in the room. Throws a Rejection. */
export function requireJoinedSender({ event, state }: AuthContext): void {
  if (membershipIn(state, event.sender) !== "join") {
    throw new Rejection(SENDER_IS_OUT);
  }
}
