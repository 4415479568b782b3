/** Answers to users who are not in a room must not reveal whether the room exists. */
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { membershipIn } from "../../storage/rooms/members.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Room } from "../api/index.ts";

/**
 * The answer for a room that the user is not in and for one that does not exist: M_FORBIDDEN 403.
 */
export function notInRoom(): MatrixError {
  return errors.forbidden("You are not in that room");
}

export async function isJoined(sql: Sql, room: Room, userId: UserId): Promise<boolean> {
  return (await membershipIn(sql, room.nid, userId))?.membership === "join";
}

/**
 * Runs something that only members may do. If it is refused (4xx) and the user is not joined, the
 * answer is the one for an unknown room. Costs a query only when it is refused.
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
