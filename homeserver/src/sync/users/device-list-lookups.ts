import type { RecordOf } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { createNextRun } from "../../platform/single-flight.ts";
import { markDeviceLists, type SyncingUser } from "./syncing-user.ts";
import type { SyncingUsers } from "./syncing-users.ts";
import type { Waker } from "./wake.ts";

export interface DeviceListLookUpsDeps {
  /** Rooms in which the users have been at any time from a position on. */
  readonly roomsSince: (
    userIds: readonly string[],
    position: number,
  ) => Promise<readonly { readonly userId: string; readonly roomNid: number }[]>;
  readonly syncingUsers: SyncingUsers;
  readonly waker: Waker;
  readonly logger: Logger;
}

/** Users in one query, at most. */
const BATCH = 500;

/**
 * Finds out whom changes of device lists concern: those who share a room. That takes a query, one
 * for all changes that came meanwhile. Until it is answered, memory can tell what concerns a user
 * only up to right before the change (`settledUpTo`), and nobody may be given a later token on that
 * ground.
 *
 * Whoever joins or leaves a room in between is told by the record of that, and so are those who are
 * in the room. So it is enough to ask for the rooms that the user has been in since the change: the
 * answer may be newer than the log in memory, and misses none of them.
 */
export function createDeviceListLookUps(deps: DeviceListLookUpsDeps) {
  const { syncingUsers, waker } = deps;
  /** The last change of each user that nobody was told of yet. */
  let due = new Map<string, number>();
  /** Position of the first of them, and of the first that is being looked up. */
  let [firstDue, firstUnderWay] = [Infinity, Infinity];
  const nextRun = createNextRun(lookUp);
  let last: Promise<void> = Promise.resolve();

  async function lookUp(): Promise<void> {
    const changes = [...due];
    firstUnderWay = firstDue;
    [due, firstDue] = [new Map(), Infinity];
    for (let at = 0; at < changes.length; at += BATCH) {
      const concerned = await whom(changes.slice(at, at + BATCH), firstUnderWay);
      for (const [user, position] of concerned) markDeviceLists(user, position);
      waker.wake(concerned.keys());
    }
    firstUnderWay = Infinity;
  }

  /** Whom some changes concern, none of which is older than `first`. */
  async function whom(
    changes: readonly (readonly [userId: string, position: number])[],
    first: number,
  ): Promise<Map<SyncingUser, number>> {
    const concerned = new Map<SyncingUser, number>();
    const add = (user: SyncingUser | undefined, position: number) => {
      if (user) concerned.set(user, Math.max(position, concerned.get(user) ?? 0));
    };
    const positions = new Map(changes);
    try {
      for (const { userId, roomNid } of await deps.roomsSince([...positions.keys()], first)) {
        for (const user of syncingUsers.inRoom(roomNid)) add(user, positions.get(userId)!);
      }
      for (const [userId, position] of changes) add(syncingUsers.peek(userId), position);
    } catch (error) {
      deps.logger.warn({ err: error }, "who shares rooms with a user could not be looked up");
      // It may concern anybody.
      const newest = changes.reduce((last, [, position]) => Math.max(last, position), 0);
      for (const user of syncingUsers.all()) add(user, newest);
    }
    return concerned;
  }

  return {
    /** Changes in the log, in order. */
    take(records: readonly RecordOf<"device_list">[]): void {
      for (const { userId, position } of records) {
        due.set(userId, position);
        firstDue = Math.min(firstDue, position);
      }
      if (records.length > 0) last = nextRun();
    },

    /** Of all changes up to here it is known whom they concern; Infinity: of all. */
    get settledUpTo(): number {
      return Math.min(firstDue, firstUnderWay) - 1;
    },

    /** Resolves when that is known of all changes up to now. */
    settled: (): Promise<void> => last,
  };
}

export type DeviceListLookUps = ReturnType<typeof createDeviceListLookUps>;
