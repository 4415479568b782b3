/**
 * Which parts of a member event's content its sender may choose, and which only servers may set.
 */
import { errors } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";

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
