/** Opening rooms and closing them: archived, blocked, shut down. (Decision 0051.) */
import { nextHeadVersion } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import {
  type Closure,
  lockHead,
  noteClosure,
  removeClosure,
  type StatusRow,
  statusRow,
  writeArchived,
} from "../../storage/administration/room-status.ts";
import { blockRoom, unblockRoom } from "../../storage/rooms/purges.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { RoomStatusOf, RoomStatuses } from "../api/administration.ts";
import type { Room, RoomPurges, RoomView } from "../api/index.ts";

export interface RoomStatusDeps {
  readonly sql: Sql;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly view: Pick<RoomView, "room">;
  readonly purges: Pick<RoomPurges, "room">;
}

/** The nid of rooms of which nothing is known. */
const NO_ROOM = 0;
const SHUT_DOWN = { block: true, purge: false, force: false };

export function createRoomStatuses(deps: RoomStatusDeps): RoomStatuses {
  const { sql, clock, random, view, purges } = deps;

  /** All of it or nothing. False for a room that is to be archived and in which this server never was. */
  function setStatus(
    room: Pick<Room, "nid" | "roomId">,
    status: "open" | "archived" | "blocked",
    closure: Closure,
  ): Promise<boolean> {
    const isArchived = status === "archived";
    return transaction(sql, async (tx) => {
      const version = await lockHead(tx, room.nid);
      if (version === undefined && isArchived) return false;
      if (version !== undefined) {
        await writeArchived(tx, room.nid, isArchived, nextHeadVersion(version, random));
      }
      if (isArchived) await noteClosure(tx, room.nid, "archived", closure);
      else await removeClosure(tx, room.nid, "archived");
      if (status === "blocked") await blockRoom(tx, room.roomId, closure.by, closure.closedTs);
      else await unblockRoom(tx, room.roomId);
      await removeClosure(tx, room.nid, "shut_down");
      return true;
    });
  }

  return {
    of: async (roomId) => statusOf(await statusRow(sql, roomId)),

    async set(by, roomId, { status, reason }) {
      const room = await view.room(roomId);
      if (status === "shut_down") {
        if (room === undefined) throw errors.notFound("This server does not know that room");
        return { deleteId: await purges.room(by, roomId, { ...SHUT_DOWN, message: reason }) };
      }
      const closure = { by, closedTs: clock.now(), reason: reason ?? null };
      if (!(await setStatus({ nid: room?.nid ?? NO_ROOM, roomId }, status, closure))) {
        throw errors.notFound("This server never was in there");
      }
      return {};
    },
  };
}

/** A room that was shut down is mostly blocked as well, and one that is blocked may be archived. */
function statusOf({ archived, blocked, shutDown }: StatusRow): RoomStatusOf {
  if (shutDown !== undefined) return { status: "shut_down", ...shutDown };
  if (blocked !== undefined) return { status: "blocked", ...blocked };
  return archived === undefined ? { status: "open" } : { status: "archived", ...archived };
}
