import { errors } from "../protocol/errors.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/types.ts";

/**
 * A room that the user has or had to do with. Of others it is not told whether they exist.
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
