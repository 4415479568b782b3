/** Whom an event of a room may notify: the local users in it who have pushers. */
import { LRUCache } from "lru-cache";
import type { EventRecord } from "../log/types.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { staysOf, staysOfPushed } from "../storage/push/told.ts";
import type { Sql } from "../storage/sql.ts";

/** User → log position since which they are in the room. */
export type Audience = ReadonlyMap<UserId, number>;

/** Users of rooms in memory, and rooms. */
const MAX_WEIGHT = 500_000;

/**
 * Read from the tables once for each room, and kept by the records of the log from then on: a
 * message costs what its audience costs, not what the room does.
 */
export function createAudiences(deps: {
  readonly sql: Sql;
  readonly serverName: ServerName;
  readonly hasPushers: (userId: UserId) => Promise<boolean>;
}) {
  const { sql, serverName, hasPushers } = deps;
  const byRoom = new LRUCache<number, Map<UserId, number>>({
    maxSize: MAX_WEIGHT,
    sizeCalculation: (users) => users.size + 1,
  });

  return {
    async of(roomNid: number): Promise<Audience> {
      const known = byRoom.get(roomNid);
      if (known) return known;
      const stays = await staysOfPushed(sql, roomNid, serverName);
      const users = new Map(stays.map(({ userId, joinedAt }) => [userId as UserId, joinedAt]));
      byRoom.set(roomNid, users);
      return users;
    },

    /** Applies a record's changes of members, in the order of the log. */
    async take(record: EventRecord): Promise<void> {
      if (record.mayLackMemberships) byRoom.delete(record.roomNid);
      for (const { roomNid, userId: id, membership, server } of record.memberships) {
        const [users, userId] = [byRoom.get(roomNid), id as UserId];
        if (users === undefined || server !== serverName) continue;
        if (membership !== "join") users.delete(userId);
        else if (!users.has(userId) && (await hasPushers(userId))) {
          users.set(userId, record.position);
        }
      }
    },

    /** The user may have the first pusher now. */
    async gained(userId: UserId): Promise<void> {
      for (const { roomNid, joinedAt } of await staysOf(sql, userId)) {
        byRoom.get(roomNid)?.set(userId, joinedAt);
      }
    },
  };
}

export type Audiences = ReturnType<typeof createAudiences>;
