/** How many invites from elsewhere may be open: their rows and what they show of rooms stay until they are answered. */
import { errors } from "../protocol/errors.ts";
import type { RoomId, ServerName, UserId } from "../protocol/identifiers.ts";
import { openInvites } from "../storage/room-members.ts";
import type { RoomStore } from "./store.ts";

const MAX_OF_USER = 1_000;
/** Characters: a client's first sync holds all of it. */
const MAX_TEXT_OF_USER = 8 * 1024 * 1024;
const MAX_FROM_SERVER_TO_USER = 50;
const MAX_FROM_SERVER = 20_000;

/** Throws M_FORBIDDEN when no more invites of that server's, or to that user, are taken for now. */
export async function checkOpenInvites(
  store: RoomStore,
  about: { readonly roomId: RoomId; readonly userId: UserId; readonly server: ServerName },
): Promise<void> {
  const { roomId, userId, server } = about;
  const roomNid = (await store.registry.byId(roomId))?.nid;
  const query = { roomNid, userId, server, most: MAX_FROM_SERVER };
  const open = await openInvites(store.sql, query);
  if (open.fromServerToUser >= MAX_FROM_SERVER_TO_USER || open.fromServer >= MAX_FROM_SERVER) {
    throw errors.forbidden("Too many invites from your server wait for an answer");
  }
  if (open.ofUser >= MAX_OF_USER || open.textOfUser >= MAX_TEXT_OF_USER) {
    throw errors.forbidden("The user has too many invites that wait for an answer");
  }
}
