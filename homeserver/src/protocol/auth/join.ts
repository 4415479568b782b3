import { Rejection } from "../errors.ts";
import { creatorsOf } from "../events/power-levels.ts";
import type { AuthContext } from "./context.ts";
import { membershipIn } from "./state.ts";

/** The rule of m.room.member with membership `join` (version 12: 5.3). Throws a Rejection. */
export function checkJoin(context: AuthContext): void {
  const { event, state } = context;
  // 5.3.1
  if (isFirstJoin(context)) return;
  // 5.3.2
  if (event.sender !== event.stateKey) throw new Rejection("Nobody can join for somebody else");
  // 5.3.3
  const membership = membershipIn(state, event.sender);
  if (membership === "ban") throw new Rejection("The user is banned from the room");
  const joinRule = joinRuleOf(context);
  const isMember = membership === "invite" || membership === "join";
  // 5.3.4
  if (joinRule === "invite" || joinRule === "knock") {
    if (isMember) return;
    throw new Rejection("The room can be joined by invitation only");
  }
  // 5.3.5
  if (joinRule === "restricted" || joinRule === "knock_restricted") {
    if (!isMember) checkAuthorisingUser(context);
    return;
  }
  // 5.3.6, 5.3.7
  if (joinRule !== "public") throw new Rejection("The room's join rule is not understood");
}

/** 5.3.1: the creator joins right after the create event. */
function isFirstJoin({ event, create }: AuthContext): boolean {
  if (event.prevEventIds.length !== 1 || event.prevEventIds[0] !== create.eventId) return false;
  // `content.creator`, from version 11 the sender: the first of the creators in all versions.
  return event.stateKey === creatorsOf(create)[0];
}

/** 5.3.5.2: a joined member who may invite has to authorise the join. */
function checkAuthorisingUser({ event, state, levels }: AuthContext): void {
  const authorisingUser = event.content.join_authorised_via_users_server;
  if (typeof authorisingUser !== "string")
    throw new Rejection("Nobody vouches for the restricted join");
  if (membershipIn(state, authorisingUser) !== "join") {
    throw new Rejection("Who vouches for the join is not in the room");
  }
  if (levels.userLevel(authorisingUser) < levels.invite) {
    throw new Rejection("Who vouches for the join may not invite");
  }
}

/**
 * The join rule in force ("invite" when the room has none); undefined for rules that the room's
 * version does not know.
 */
export function joinRuleOf({ event, state }: AuthContext): string | undefined {
  const rule = state.get("m.room.join_rules", "")?.content.join_rule;
  const { knock, restrictedJoins, knockRestricted } = event.version;
  switch (rule) {
    case undefined:
      return "invite";
    case "public":
    case "invite":
      return rule;
    case "knock":
      return knock ? rule : undefined;
    case "restricted":
      return restrictedJoins ? rule : undefined;
    case "knock_restricted":
      return knockRestricted ? rule : undefined;
    default:
      return undefined;
  }
}
