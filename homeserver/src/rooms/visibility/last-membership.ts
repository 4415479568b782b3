/** The end of a user's last membership: users who left may read up to there. */
import { stateTuple } from "../../protocol/state-map.ts";
import { currentMemberEvents, type MemberKey } from "../../storage/rooms/events.ts";
import { shareRows } from "../../storage/shared-query.ts";
import type { RoomStore } from "../state/store.ts";
import type { MembershipRow, StoredEvent } from "../api/index.ts";

export interface LastMemberships {
  /**
   * The event that ended the user's last membership: a leave, kick or ban. Undefined when the user
   * was never joined, as far as this server knows. Not for users who are joined.
   */
  endOf(row: MembershipRow): Promise<StoredEvent | undefined>;
}

/**
 * How many later memberships (invites, knocks, bans of users who are out) are walked back at most.
 */
const MAX_STEPS = 100;

export function createLastMemberships(store: RoomStore): LastMemberships {
  const textOf = ({ roomNid, userId }: MemberKey) => `${roomNid} ${userId}`;
  const rowsOf = shareRows(
    (members: readonly MemberKey[]) => currentMemberEvents(store.sql, members),
    ...[textOf, textOf],
  );

  async function memberBefore(end: StoredEvent, userId: string): Promise<StoredEvent | undefined> {
    const state = await store.state.events(end.stateBefore, [["m.room.member", userId]]);
    return state.get(stateTuple("m.room.member", userId));
  }

  /**
   * Invites and leaves in rooms that this server is not in have no state: then the last known state
   * is used.
   */
  async function placed(row: MembershipRow): Promise<StoredEvent | undefined> {
    const event = await store.events.one(row.eventNid);
    if (event === undefined || event.stateBefore !== null) return event;
    return (await store.events.load(rowsOf([row])))[0];
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
