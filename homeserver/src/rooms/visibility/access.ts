/** Who may read which part of a room: now, or as of their leave. */
import { errors } from "../../protocol/errors.ts";
import type { EventId, RoomId, UserId } from "../../protocol/identifiers.ts";
import { historyVisibility } from "../../protocol/events/visibility.ts";
import type { LastMemberships } from "./last-membership.ts";
import type { Room, RoomView, StateRoot, StoredEvent, TimelinePlace } from "../api/index.ts";

export interface Access {
  readonly room: Room;
  /**
   * "now" for members (and for everybody in a world-readable room), otherwise the state at the time
   * of the leave.
   */
  readonly state: "now" | { readonly root: StateRoot };
  /** The leave after which the reader sees nothing. */
  readonly until?: TimelinePlace | undefined;
}

export interface AccessControl {
  /**
   * The reader's access to state and timeline. M_FORBIDDEN for users who never were in the room.
   */
  of(userId: UserId, roomId: RoomId): Promise<Access>;
  /** An event that the user may see; M_NOT_FOUND otherwise. */
  event(userId: UserId, roomId: RoomId, eventId: EventId): Promise<StoredEvent>;
}

export function createAccess(view: RoomView, lastMemberships: LastMemberships): AccessControl {
  return {
    async of(userId, roomId) {
      const room = await view.room(roomId);
      const row = room && (await view.membership(room.nid, userId));
      if (room === undefined) throw errors.forbidden("You are not in that room");
      if (row?.membership === "join") return { room, state: "now" };
      if (await isWorldReadable(view, room)) return { room, state: "now" };
      const left =
        row === undefined || row.forgotten ? undefined : await lastMemberships.endOf(row);
      if (left !== undefined) {
        const until = { position: left.position ?? 0, ordinal: left.ordinal };
        return { room, state: { root: left.roomState ?? left.stateAfter }, until };
      }
      throw errors.forbidden("You are not in that room");
    },
    async event(userId, roomId, eventId) {
      const room = await view.room(roomId);
      const row = room && (await view.membership(room.nid, userId));
      const stored = (await view.eventsById([eventId])).get(eventId);
      if (room === undefined || stored === undefined || stored.roomNid !== room.nid) {
        throw errors.notFound("There is no such event that you may see");
      }
      // A forgotten room is unreachable by every path, unless it is world-readable.
      const isGone = row?.forgotten === true && !(await isWorldReadable(view, room));
      const [visible] = isGone ? [] : await view.visibleTo(userId, [stored]);
      if (visible === undefined) throw errors.notFound("There is no such event that you may see");
      return stored;
    },
  };
}

async function isWorldReadable(view: RoomView, room: Room): Promise<boolean> {
  const event = await view.currentStateEvent(room.nid, "m.room.history_visibility", "");
  return historyVisibility(event?.event) === "world_readable";
}
