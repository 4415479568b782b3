import { ownReceiptAt, type SyncingUser, type SyncingUserRoom } from "../users/syncing-user.ts";

/** Log position of the user's own last receipt in a room, if it is after what the client has. */
export type OwnReceiptAt = (userRoom: SyncingUserRoom) => number;

/**
 * A user's own receipts, which change the counts of unread events: from memory, and by one query for
 * those from before the user was in memory.
 */
export function createOwnReceipts(
  load: (range: {
    readonly userId: string;
    readonly roomNids: readonly number[];
    readonly after: number;
  }) => Promise<ReadonlyMap<number, number>>,
) {
  /** `after`: what the client has; `roomNids`: in which rooms. */
  return async function ownReceipts(
    user: SyncingUser,
    after: number,
    roomNids: Iterable<number>,
  ): Promise<OwnReceiptAt> {
    const isInMemory = after >= user.loadedAt;
    const asked = isInMemory ? [] : [...roomNids];
    if (asked.length === 0) return (userRoom) => ownReceiptAt(user, userRoom);
    const found = await load({ userId: user.userId, roomNids: asked, after });
    return (userRoom) => Math.max(ownReceiptAt(user, userRoom), found.get(userRoom.roomNid) ?? 0);
  };
}

export type OwnReceipts = ReturnType<typeof createOwnReceipts>;
