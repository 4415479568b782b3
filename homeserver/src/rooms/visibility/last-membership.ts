/** When a user was last in a room: what somebody who is out of it may read ends there. */
import { stateTuple } from "../../protocol/state-map.ts";
import { currentStateOfRooms } from "../../storage/rooms/events.ts";
import type { RoomStore } from "../state/store.ts";
import type { MembershipRow, StoredEvent } from "../api/index.ts";

export interface LastMemberships {
  /**
   * The event that ended the user's last stay: a leave, kick or ban. Undefined when they were never
   * joined, as far as this server knows. Not for rows of who is joined.
   */
  endOf(row: MembershipRow): Promise<StoredEvent | undefined>;
}

/** Memberships (invites, knocks, bans of who was out already) that are looked behind. */
const MAX_STEPS = 100;

export function createLastMemberships(store: RoomStore): LastMemberships {
  async function memberBefore(end: StoredEvent, userId: string): Promise<StoredEvent | undefined> {
    const state = await store.state.events(end.stateBefore, [["m.room.member", userId]]);
    return state.get(stateTuple("m.room.member", userId));
  }

  /**
   * Invites and leaves of rooms that this server is not in have no state: the last one that it
   * knows serves.
   */
  async function placed(row: MembershipRow): Promise<StoredEvent | undefined> {
    const event = await store.events.one(row.eventNid);
    if (event === undefined || event.stateBefore !== null) return event;
    const key = ["m.room.member", row.userId] as const;
    const query = currentStateOfRooms(store.sql, [row.roomNid], [key]);
    return (await store.events.load(query))[0];
  }

  return {
    async endOf(row) {
      let end = await placed(row);
      for (let step = 0; step < MAX_STEPS && end !== undefined; step++) {
        if (end.stateBefore === null) return undefined;
        const before = await memberBefore(end, row.userId);
        if (before?.event.content.membership === "join") return end;
        end = before;
      }
      return undefined;
    },
  };
}
