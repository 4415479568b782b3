/** Drafts of member events, and what present memberships allow. */
import { errors } from "../../protocol/errors.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { StoredEvent } from "../api/index.ts";

/** A member event of `sender` about `userId`; `originServerTs` unless it is now. */
export function memberDraft(
  sender: UserId,
  userId: UserId,
  content: JsonObject,
  originServerTs?: number,
) {
  return { type: "m.room.member", stateKey: userId as string, sender, content, originServerTs };
}

/** What the member event says; undefined without one. */
export function membershipOf(member: StoredEvent | undefined): string | undefined {
  const membership = member?.event.content.membership;
  return typeof membership === "string" ? membership : undefined;
}

export const isJoin = (member: StoredEvent | undefined): boolean => membershipOf(member) === "join";

/**
 * Throws M_FORBIDDEN unless there is somebody to kick. A user of another server who is already out
 * may not know it yet: then the kick is sent again on request.
 */
export function requireKickable(present: StoredEvent | undefined): void {
  const membership = membershipOf(present);
  if (membership === "join" || membership === "invite" || membership === "knock") return;
  if (present !== undefined && membership === "leave") {
    const { sender, stateKey } = present.event;
    const isElsewhere = serverOf(stateKey as UserId) !== serverOf(sender);
    if (sender !== stateKey && isElsewhere) return;
  }
  throw errors.forbidden("That user is not in the room");
}
