/** What administrators of the server see of a room: everything but what nobody sees any more. */
import { errors } from "../../protocol/errors.ts";
import { withoutIneffective } from "../commands/redactions.ts";
import type { RoomStore } from "../state/store.ts";
import type { RoomView } from "../api/index.ts";
import type { AccessControl } from "./access.ts";
import type { Erasures } from "./erasures.ts";
import type { Lifetimes } from "./lifetimes.ts";
import type { WithoutIgnored } from "./without-ignored.ts";

/** Access to every room that this server knows; M_NOT_FOUND for others. */
export function accessToAll(view: Pick<RoomView, "room" | "eventsById">): AccessControl {
  return {
    async of(_, roomId) {
      const room = await view.room(roomId);
      if (room === undefined) throw errors.notFound("This server does not know that room");
      return { room, state: "now" };
    },
    async event(_, roomId, eventId) {
      const room = await view.room(roomId);
      const stored = (await view.eventsById([eventId])).get(eventId);
      if (room === undefined || stored === undefined || stored.roomNid !== room.nid) {
        throw errors.notFound("This server has no such event");
      }
      return stored;
    },
  };
}

/**
 * Keeps the order. Left out are events that were refused, redactions without effect and messages
 * that have ended; what erased users sent is shown as to anybody who was not there.
 */
export function createEverything(deps: {
  readonly store: RoomStore;
  readonly erasures: Erasures;
  readonly lifetimes: Pick<Lifetimes, "isOver">;
}): WithoutIgnored {
  return async (userId, all) => {
    const events = (await withoutIneffective(deps.store, all)).filter(
      (stored) => stored.status === "accepted" && !deps.lifetimes.isOver(stored),
    );
    const copies = await deps.erasures.copies(userId, events);
    return copies.map((stored) => ({ stored, membership: "leave" }));
  };
}
