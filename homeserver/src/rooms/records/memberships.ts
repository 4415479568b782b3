/** Who is in which room: cached, and kept up to date by the log. */
import { createLoadingCache } from "../../platform/caches.ts";
import type { RecordOf, MembershipChange } from "../../log/types.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import { serverOf } from "../../protocol/identifiers.ts";
import {
  joinedUsers,
  type MembersOfRoom,
  membersOfRooms,
  membershipsOfUser,
} from "../../storage/rooms/members.ts";
import { shareQuery } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Membership, MembershipRow } from "../api/index.ts";

export interface Memberships {
  /** By room nid; forgotten rooms included. */
  ofUser(userId: UserId): Promise<ReadonlyMap<number, MembershipRow>>;
  joined(roomNid: number): Promise<readonly UserId[]>;
  joinedServers(roomNid: number): Promise<readonly ServerName[]>;
  /** How many users of a server are joined. */
  joinedOfServer(roomNid: number, server: ServerName): Promise<number>;
  /**
   * Counts, and up to `heroes` of the earliest members except one user; of former members when
   * nobody else is there.
   */
  summary(roomNid: number, without: UserId, heroes: number): Promise<Summary>;
  /** Applies records of the log. */
  follow(records: readonly RecordOf<"event" | "membership" | "forgotten">[]): void;
  /** The room was deleted. */
  forgetRoom(roomNid: number): void;
}

interface Summary {
  readonly joined: number;
  readonly invited: number;
  readonly heroes: UserId[];
}

/**
 * A room's joined members. Changes in the log are applied to it, so that a big room is read only
 * once.
 */
interface Joined {
  readonly users: Set<UserId>;
  /** The number of joined users per server. */
  readonly servers: Map<ServerName, number>;
}

const MAX_HEROES = 5;

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
  const rooms = createLoadingCache<number, Joined>({
    max: 2_000,
    async load(roomNid) {
      const joined: Joined = { users: new Set(), servers: new Map() };
      for (const user of await joinedUsers(sql, roomNid)) enter(joined, user as UserId);
      return joined;
    },
  });
  const counted = createLoadingCache<number, MembersOfRoom>({
    max: 5_000,
    load: shareQuery((roomNids) => membersOfRooms(sql, roomNids, MAX_HEROES + 1)),
  });

  function changed({ roomNid, userId, membership }: MembershipChange): void {
    users.delete(userId as UserId);
    counted.delete(roomNid);
    const joined = rooms.peek(roomNid);
    if (joined === undefined) rooms.delete(roomNid);
    else if (membership === "join") enter(joined, userId as UserId);
    else leave(joined, userId as UserId);
  }

  return {
    ofUser: async (userId) => (await users.get(userId)) ?? new Map(),
    joined: async (roomNid) => [...((await rooms.get(roomNid))?.users ?? [])],
    joinedServers: async (roomNid) => [...((await rooms.get(roomNid))?.servers.keys() ?? [])],
    joinedOfServer: async (roomNid, server) => (await rooms.get(roomNid))?.servers.get(server) ?? 0,
    async summary(roomNid, without, heroes) {
      const { joined, invited, present, gone } = (await counted.get(roomNid)) as MembersOfRoom;
      const others = present.filter((userId) => userId !== without);
      const shown = others.length > 0 ? others : gone.filter((userId) => userId !== without);
      const first = shown.slice(0, Math.min(heroes, MAX_HEROES)) as UserId[];
      return { joined, invited, heroes: first };
    },
    follow(records) {
      for (const record of records) {
        if (record.kind !== "event") users.delete(record.userId as UserId);
        else for (const change of record.memberships) changed(change);
      }
    },
    forgetRoom(roomNid) {
      users.clear();
      rooms.delete(roomNid);
      counted.delete(roomNid);
    },
  };
}

function enter({ users, servers }: Joined, userId: UserId): void {
  if (users.has(userId)) return;
  users.add(userId);
  const server = serverOf(userId);
  servers.set(server, (servers.get(server) ?? 0) + 1);
}

function leave({ users, servers }: Joined, userId: UserId): void {
  if (!users.delete(userId)) return;
  const server = serverOf(userId);
  const left = (servers.get(server) ?? 1) - 1;
  if (left > 0) servers.set(server, left);
  else servers.delete(server);
}
