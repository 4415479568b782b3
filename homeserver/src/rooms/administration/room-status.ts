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
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { RoomStatusOf, RoomStatuses } from "../api/administration.ts";
import type { RoomPurges, RoomView } from "../api/index.ts";

export interface RoomStatusDeps {
  readonly sql: Sql;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly view: Pick<RoomView, "room">;
  readonly purges: Pick<RoomPurges, "room" | "setBlocked">;
}

const SHUT_DOWN = { block: true, purge: false, force: false };

export function createRoomStatuses(deps: RoomStatusDeps): RoomStatuses {
  const { sql, clock, random, view, purges } = deps;

  /** @throws MatrixError M_NOT_FOUND 404 for a room that this server never was in */
  async function setArchived(roomNid: number | undefined, closure: Closure | undefined) {
    const isDone = await transaction(sql, async (tx) => {
      const version = roomNid === undefined ? undefined : await lockHead(tx, roomNid);
      if (roomNid === undefined || version === undefined) return false;
      const isArchived = closure !== undefined;
      await writeArchived(tx, roomNid, isArchived, nextHeadVersion(version, random));
      if (isArchived) await noteClosure(tx, roomNid, "archived", closure);
      else await removeClosure(tx, roomNid, "archived");
      return true;
    });
    if (!isDone && closure !== undefined) throw errors.notFound("This server never was in there");
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
      await setArchived(room?.nid, status === "archived" ? closure : undefined);
      await purges.setBlocked(by, roomId, status === "blocked");
      if (room !== undefined) await removeClosure(sql, room.nid, "shut_down");
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
