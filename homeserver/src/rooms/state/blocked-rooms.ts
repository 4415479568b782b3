/** Rooms that no local user may enter: blocked and archived ones, and those being deleted. */
import { errors } from "../../protocol/errors.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import { closureOf } from "../../storage/rooms/purges.ts";
import type { Sql } from "../../storage/sql.ts";

/** @throws MatrixError M_FORBIDDEN 403 */
export type CheckNotBlocked = (roomId: RoomId) => Promise<void>;

/** What is told of rooms that administrators have archived, to clients and to other servers. */
export const IS_ARCHIVED =
  "This room was archived by an administrator of this server: it can be read and left, but nothing is sent or changed there";

export function createBlockedRooms(sql: Sql): CheckNotBlocked {
  return async (roomId) => {
    const closure = await closureOf(sql, roomId);
    if (closure === "blocked") throw errors.forbidden("This room is blocked on this server");
    if (closure === "archived") throw errors.forbidden(IS_ARCHIVED);
  };
}
