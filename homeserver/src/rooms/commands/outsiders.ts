/** Who is not in a room learns nothing of it from an answer, nor whether there is such a room. */
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Room } from "../api/index.ts";

/** The answer about a room that one is not in, and about one that does not exist: M_FORBIDDEN 403. */
export function notInRoom(): MatrixError {
  return errors.forbidden("You are not in that room");
}

export async function isJoined(sql: Sql, room: Room, userId: UserId): Promise<boolean> {
  return (await membershipIn(sql, room.nid, userId))?.membership === "join";
}

/**
 * Does what only members may do. Whatever it is refused with (4xx), who is not joined is answered as if there were no such
 * room. It costs nothing where it is not refused.
 */
export async function hidingFromOutsiders<T>(
  sql: Sql,
  room: Room,
  userId: UserId,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isRefusal = error instanceof MatrixError && error.status < 500 && error.status !== 429;
    if (!isRefusal || (await isJoined(sql, room, userId))) throw error;
    throw notInRoom();
  }
}
