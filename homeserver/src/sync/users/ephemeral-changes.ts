import type { EphemeralChange } from "../../cluster/ephemeral.ts";
import type { RoomView } from "../../rooms/api/index.ts";
import type { SyncingUser } from "./syncing-user.ts";
import type { SyncingUsers } from "./syncing-users.ts";
import type { Waker } from "./wake.ts";

/** Marks and wakes the users concerned by a change of typing or presence. */
export function createEphemeralChanges(deps: {
  readonly view: RoomView;
  readonly syncingUsers: SyncingUsers;
  readonly waker: Waker;
}) {
  const { view, syncingUsers, waker } = deps;

  async function concerned(change: EphemeralChange): Promise<Set<SyncingUser>> {
    if (change.kind === "typing") {
      const room = await view.room(change.roomId);
      return new Set(room ? syncingUsers.inRoom(room.nid) : []);
    }
    const found = new Set<SyncingUser>();
    const self = syncingUsers.peek(change.userId);
    if (self) found.add(self);
    for (const row of await view.membershipsOf(change.userId)) {
      if (row.membership !== "join") continue;
      for (const user of syncingUsers.inRoom(row.roomNid)) found.add(user);
    }
    return found;
  }

  return async function take(change: EphemeralChange): Promise<void> {
    const found = await concerned(change);
    for (const user of found) user.ephemeralAt = Math.max(user.ephemeralAt, change.serial);
    waker.wake(found);
  };
}
