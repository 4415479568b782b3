/**
 * Which parts of a member event's content its sender may choose, and which only servers may set.
 */
import { errors } from "../../protocol/errors.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { MemberChange, MemberProfiles } from "../api/index.ts";

/**
 * Keys that are valid only with another party's signature: of the server that authorises a
 * restricted join (room version 8), or of the identity server behind an invite (server-server API,
 * "Third-party invites").
 */
const SIGNED_BY_OTHERS = ["join_authorised_via_users_server", "third_party_invite"] as const;

/** Keys shown to members: text, or null for none. */
const TEXTS = ["displayname", "avatar_url", "reason"] as const;

/**
 * A copy without the keys that only servers may set, for content that a client wrote or that
 * repeats an older member event. The signatures of the older event do not cover the new one.
 */
export function withoutServersPart(content: JsonObject): JsonObject {
  const own = { ...content };
  for (const key of SIGNED_BY_OTHERS) delete own[key];
  return own;
}

/**
 * A client's content for a member event, from any operation. Throws M_BAD_JSON 400 when a name or
 * an avatar is not text.
 */
export function clientMemberContent(content: JsonObject): JsonObject {
  for (const key of TEXTS) {
    const value = content[key];
    if (value === undefined || value === null || typeof value === "string") continue;
    throw errors.badJson(`${key} of a member event is a text`);
  }
  return withoutServersPart(content);
}

/** The client's additions to the member event. */
export function requestedContent({
  reason,
  content,
}: Pick<MemberChange, "reason" | "content">): JsonObject {
  const own = content === undefined ? {} : clientMemberContent(content);
  return reason === undefined ? own : { ...own, reason };
}

/**
 * The content of a new member event: the user's profile, the client's additions, the membership.
 */
export type MemberContent = (
  membership: string,
  userId: UserId,
  request: Pick<MemberChange, "reason" | "content">,
) => Promise<JsonObject>;

/** Profiles are those of this server's users; other servers know theirs. */
export function createMemberContent(
  profiles: MemberProfiles,
  serverName: ServerName,
): MemberContent {
  return async (membership, userId, request) => {
    const isOurs = serverOf(userId) === serverName;
    const { displayname, avatar_url } = isOurs ? await profiles.get(userId) : {};
    return {
      ...(displayname === undefined ? {} : { displayname }),
      ...(avatar_url === undefined ? {} : { avatar_url }),
      ...requestedContent(request),
      membership,
    };
  };
}
