/** Rooms that no local user may enter: blocked ones, and those being deleted. */
import { errors } from "../../protocol/errors.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import { isClosed } from "../../storage/rooms/purges.ts";
import type { Sql } from "../../storage/sql.ts";

/** @throws MatrixError M_FORBIDDEN 403 */
export type CheckNotBlocked = (roomId: RoomId) => Promise<void>;

export function createBlockedRooms(sql: Sql): CheckNotBlocked {
  return async (roomId) => {
    if (await isClosed(sql, roomId)) throw errors.forbidden("This room is blocked on this server");
  };
}
