/**
 * Limits on open invites from other servers: their rows and stripped state are stored until they
 * are answered.
 */
import { errors } from "../../protocol/errors.ts";
import type { RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { openInvites, sharesRoomWithServer } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import { withinLimits } from "../state/stripped-state.ts";

const MAX_OF_USER = 1_000;
/**
 * Half of the limit is reserved for servers that share a room with the invited user: an attacker
 * can use any number of unknown names.
 */
const MAX_OF_USER_BY_STRANGERS = 500;
/**
 * In characters: a client's first sync contains all of it. Invites beyond this are stored in a
 * brief form.
 */
const MAX_TEXT_OF_USER = 8 * 1024 * 1024;
const MAX_TEXT_BY_STRANGERS = 4 * 1024 * 1024;
const MAX_FROM_SERVER_TO_USER = 50;
const MAX_FROM_SERVER = 20_000;
/** Characters of an invite in its brief form. */
const BRIEF = 4_096;

/**
 * Throws M_FORBIDDEN when the server, or the invited user, has too many open invites. "brief": only
 * little of the room may be stored.
 */
export async function checkOpenInvites(
  store: RoomStore,
  about: { readonly roomId: RoomId; readonly userId: UserId; readonly server: ServerName },
): Promise<"full" | "brief"> {
  const { roomId, userId, server } = about;
  const roomNid = (await store.registry.byId(roomId))?.nid;
  const query = { roomNid, userId, server, max: MAX_FROM_SERVER };
  const open = await openInvites(store.sql, query);
  if (open.fromServerToUser >= MAX_FROM_SERVER_TO_USER || open.fromServer >= MAX_FROM_SERVER) {
    throw errors.forbidden("Too many invites from your server wait for an answer");
  }
  const isLittle =
    open.ofUser < MAX_OF_USER_BY_STRANGERS && open.textOfUser < MAX_TEXT_BY_STRANGERS;
  const isKnown = !isLittle && (await sharesRoomWithServer(store.sql, userId, server));
  if (open.ofUser >= (isKnown ? MAX_OF_USER : MAX_OF_USER_BY_STRANGERS)) {
    throw errors.forbidden("The user has too many invites that wait for an answer");
  }
  const max = isKnown ? MAX_TEXT_OF_USER : MAX_TEXT_BY_STRANGERS;
  return open.textOfUser < max ? "full" : "brief";
}

/** The part of the stripped state that fits, and of the invite only the fact itself. */
export function inBrief(shown: readonly JsonObject[], invite: JsonObject): JsonObject[] {
  const content: JsonObject = { membership: "invite" };
  return [...withinLimits(shown, BRIEF), { ...invite, content }];
}
