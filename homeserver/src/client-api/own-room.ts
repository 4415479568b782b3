import { errors } from "../protocol/errors.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/api/index.ts";

/**
 * A room that the user is in, or once was. Whether other rooms exist is not revealed.
 * @throws MatrixError M_INVALID_PARAM 400
 */
export async function requireOwnRoom(
  view: RoomView,
  userId: UserId,
  roomId: RoomId,
): Promise<RoomId> {
  const room = await view.room(roomId);
  if (room !== undefined && (await view.membership(room.nid, userId)) !== undefined) return roomId;
  throw errors.invalidParam("This server knows of no such room");
}

/**
 * @throws MatrixError M_FORBIDDEN 403 for a room that the user is not joined to, and for one that
 * does not exist
 */
export async function requireJoined(
  view: Pick<RoomView, "room" | "membership">,
  userId: UserId,
  roomId: RoomId,
): Promise<void> {
  const room = await view.room(roomId);
  const row = room && (await view.membership(room.nid, userId));
  if (row?.membership !== "join") throw errors.forbidden("You are not in that room");
}
