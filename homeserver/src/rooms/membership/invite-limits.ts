/**
 * How many invites from elsewhere may be open: their rows and what they show of rooms stay until
 * they are answered.
 */
import { errors } from "../../protocol/errors.ts";
import type { RoomId, ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { openInvites, sharesRoomWithServer } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import { withinLimits } from "../state/stripped-state.ts";

const MAX_OF_USER = 1_000;
/**
 * Half is kept for servers with whose users the invited one is in a room: strangers can have any
 * number of names.
 */
const MAX_OF_USER_BY_STRANGERS = 500;
/** Characters: a client's first sync holds all of it. What comes beyond is shown in brief. */
const MAX_TEXT_OF_USER = 8 * 1024 * 1024;
const MAX_TEXT_BY_STRANGERS = 4 * 1024 * 1024;
const MAX_FROM_SERVER_TO_USER = 50;
const MAX_FROM_SERVER = 20_000;
/** Characters of an invite that is shown in brief. */
const BRIEF = 4_096;

/**
 * Throws M_FORBIDDEN when no more invites of that server's, or to that user, are taken for now.
 * "brief": little may be shown of the room.
 */
export async function checkOpenInvites(
  store: RoomStore,
  about: { readonly roomId: RoomId; readonly userId: UserId; readonly server: ServerName },
): Promise<"full" | "brief"> {
  const { roomId, userId, server } = about;
  const roomNid = (await store.registry.byId(roomId))?.nid;
  const query = { roomNid, userId, server, most: MAX_FROM_SERVER };
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
  const most = isKnown ? MAX_TEXT_OF_USER : MAX_TEXT_BY_STRANGERS;
  return open.textOfUser < most ? "full" : "brief";
}

/** What fits of a room, and of the invite but that it is one. */
export function inBrief(shown: readonly JsonObject[], invite: JsonObject): JsonObject[] {
  const content: JsonObject = { membership: "invite" };
  return [...withinLimits(shown, BRIEF), { ...invite, content }];
}
