/** Who is in which room, from memory; kept in step by the log. */
import { createLoadingCache } from "../platform/caches.ts";
import type { LogRecord } from "../log/types.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { serverOf } from "../protocol/identifiers.ts";
import { joinedUsers, membershipsOfUser } from "../storage/room-members.ts";
import type { Sql } from "../storage/sql.ts";
import type { Membership, MembershipRow } from "./types.ts";

export interface Memberships {
  /** By room nid; forgotten rooms included. */
  ofUser(userId: UserId): Promise<ReadonlyMap<number, MembershipRow>>;
  joined(roomNid: number): Promise<readonly UserId[]>;
  joinedServers(roomNid: number): Promise<readonly ServerName[]>;
  /** Takes in what happened. */
  follow(records: readonly LogRecord[]): void;
  /** The user's rows changed without the log (a room was forgotten). */
  forget(userId: UserId): void;
}

export function createMemberships(sql: Sql): Memberships {
  const users = createLoadingCache<UserId, ReadonlyMap<number, MembershipRow>>({
    max: 20_000,
    async load(userId) {
      const rows = await membershipsOfUser(sql, userId);
      return new Map(
        rows.map((row) => [
          row.roomNid,
          { ...row, userId, membership: row.membership as Membership },
        ]),
      );
    },
  });
  const rooms = createLoadingCache<number, readonly UserId[]>({
    max: 2_000,
    load: async (roomNid) => (await joinedUsers(sql, roomNid)) as UserId[],
  });
  const servers = createLoadingCache<number, readonly ServerName[]>({
    max: 5_000,
    async load(roomNid) {
      const joined = (await rooms.get(roomNid)) ?? [];
      return [...new Set(joined.map((user) => serverOf(user)))];
    },
  });

  return {
    ofUser: async (userId) => (await users.get(userId)) ?? new Map(),
    joined: async (roomNid) => (await rooms.get(roomNid)) ?? [],
    joinedServers: async (roomNid) => (await servers.get(roomNid)) ?? [],
    follow(records) {
      for (const record of records) {
        if (record.kind === "membership") {
          users.delete(record.userId as UserId);
        } else if (record.kind === "event") {
          for (const change of record.memberships) {
            users.delete(change.userId as UserId);
            rooms.delete(record.roomNid);
            servers.delete(record.roomNid);
          }
        }
      }
    },
    forget: (userId) => users.delete(userId),
  };
}
