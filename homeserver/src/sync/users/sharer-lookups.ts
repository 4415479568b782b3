import type { RecordOf } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { createNextRun } from "../../platform/single-flight.ts";
import { markDeviceLists, markProfiles, type SyncingUser } from "./syncing-user.ts";
import type { SyncingUsers } from "./syncing-users.ts";
import type { Waker } from "./wake.ts";

export interface SharerLookUpsDeps {
  /** Rooms in which the users have been at any time from a position on. */
  readonly roomsSince: (
    userIds: readonly string[],
    position: number,
  ) => Promise<readonly { readonly userId: string; readonly roomNid: number }[]>;
  readonly syncingUsers: SyncingUsers;
  readonly waker: Waker;
  readonly logger: Logger;
}

/** Log positions of a user's last changes; 0: there was none. */
interface Changes {
  readonly deviceList: number;
  readonly profile: number;
}

const NONE: Changes = { deviceList: 0, profile: 0 };
/** Users in one query, at most. */
const BATCH = 500;

/**
 * Finds out whom changes of device lists and of profiles concern: those who share a room. That
 * takes a query, one for all changes that came meanwhile. Until it is answered, memory can tell
 * what concerns a user only up to right before the change (`settledUpTo`), and nobody may be given
 * a later token on that ground.
 *
 * Whoever joins or leaves a room in between is told by the record of that, and so are those who are
 * in the room. So it is enough to ask for the rooms that the user has been in since the change: the
 * answer may be newer than the log in memory, and misses none of them.
 */
export function createSharerLookUps(deps: SharerLookUpsDeps) {
  const { syncingUsers, waker } = deps;
  /** The last changes of each user that nobody was told of yet. */
  let due = new Map<string, Changes>();
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
      waker.wake([...concerned].flatMap(([user, of]) => (mark(user, of) ? [user] : [])));
    }
    firstUnderWay = Infinity;
  }

  /** Whom some changes concern, none of which is older than `first`. */
  async function whom(
    changes: readonly (readonly [userId: string, of: Changes])[],
    first: number,
  ): Promise<Map<SyncingUser, Changes>> {
    const concerned = new Map<SyncingUser, Changes>();
    const add = (user: SyncingUser | undefined, of: Changes) => {
      if (user) concerned.set(user, later(of, concerned.get(user)));
    };
    const byUser = new Map(changes);
    try {
      for (const { userId, roomNid } of await deps.roomsSince([...byUser.keys()], first)) {
        for (const user of syncingUsers.inRoom(roomNid)) add(user, byUser.get(userId)!);
      }
      for (const [userId, of] of changes) add(syncingUsers.peek(userId), of);
    } catch (error) {
      deps.logger.warn({ err: error }, "who shares rooms with a user could not be looked up");
      // It may concern anybody.
      const newest = changes.reduce((all, [, of]) => later(all, of), NONE);
      for (const user of syncingUsers.all()) add(user, newest);
    }
    return concerned;
  }

  return {
    /** Changes in the log, in order. */
    take(records: readonly RecordOf<"device_list" | "profile_field">[]): void {
      for (const { kind, userId, position } of records) {
        const change = kind === "device_list" ? { deviceList: position } : { profile: position };
        due.set(userId, { ...NONE, ...due.get(userId), ...change });
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

export type SharerLookUps = ReturnType<typeof createSharerLookUps>;

function later(one: Changes, other: Changes = NONE): Changes {
  return {
    deviceList: Math.max(one.deviceList, other.deviceList),
    profile: Math.max(one.profile, other.profile),
  };
}

/** Whether the user's clients may want to be told. */
function mark(user: SyncingUser, { deviceList, profile }: Changes): boolean {
  if (deviceList > 0) markDeviceLists(user, deviceList);
  if (profile > 0) markProfiles(user, profile);
  return deviceList > 0 || user.wantsProfiles;
}
