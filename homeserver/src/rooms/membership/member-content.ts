/** What of a member event's content its sender may choose, and what only servers say. */
import { errors } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";

/**
 * Keys that mean something only with another party's signature: of the server that vouches for a
 * restricted join (room version 8), of the identity server behind an invite (server-server API,
 * "Third-party invites").
 */
const SIGNED_BY_OTHERS = ["join_authorised_via_users_server", "third_party_invite"] as const;

/** Members see these: text, or null for none. */
const TEXTS = ["displayname", "avatar_url", "reason"] as const;

/**
 * A copy without what only servers say: for content that a client wrote, or that repeats an older
 * member event. The signatures of the older event do not cover the new one.
 */
export function withoutServersPart(content: JsonObject): JsonObject {
  const own = { ...content };
  for (const key of SIGNED_BY_OTHERS) delete own[key];
  return own;
}

/**
 * A client's content of a member event, whichever operation it came by. Throws M_BAD_JSON 400 where
 * a name or an avatar is no text.
 */
export function clientMemberContent(content: JsonObject): JsonObject {
  for (const key of TEXTS) {
    const value = content[key];
    if (value === undefined || value === null || typeof value === "string") continue;
    throw errors.badJson(`${key} of a member event is a text`);
  }
  return withoutServersPart(content);
}
