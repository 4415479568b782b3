/** Which rooms an application service is interested in, at positions of the log. */
import type { EventRecord, Log, MembershipRecord } from "../log/types.ts";
import { atMost, LRUCache } from "../platform/caches.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { aliasesOfRooms, localStays } from "../storage/appservices.ts";
import type { Sql } from "../storage/sql.ts";

/** The users, rooms and aliases that a service is interested in. */
export interface Interests {
  /** Whether the user is one of its own. */
  hasUser(userId: string): boolean;
  hasRoom(roomId: string): boolean;
  hasAlias(alias: string): boolean;
  readonly hasAliases: boolean;
}

interface InterestedRoom {
  readonly roomNid: number;
  readonly roomId: string;
}

export interface Interest {
  /** The aliases of these rooms, as far as they matter: read once for a batch of records. */
  named(roomIds: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Whether one of the service's users was in the room at the log position, or the room is one of
   * its namespaces.
   */
  inRoom(room: InterestedRoom, position: number, named: ReadonlySet<string>): Promise<boolean>;
  stop(): void;
}

/** When a room had users of the service, as far as it is known. */
interface RoomTimes {
  /** Known after this log position. */
  readonly from: number;
  /** Log positions: from `start` on, before `end`. */
  readonly times: { readonly start: number; end: number }[];
  /** Some of those who are in it now. */
  readonly members: Set<string>;
  /** These are all of them. */
  complete: boolean;
}

const ROOMS_KEPT = 20_000;
/** Members that are remembered of a room: it is read again when all of them have left. */
const MEMBERS_KEPT = 32;
/** Times that are remembered of a room. */
const TIMES_KEPT = 100;
const PAGE = 1_000;

/**
 * Follows the log: what was read of a room stays true, and is read again only where too little is
 * remembered of it.
 */
export function createInterest(deps: {
  readonly sql: Sql;
  readonly log: Pick<Log, "follow">;
  readonly serverName: ServerName;
  readonly interests: Interests;
}): Interest {
  const { sql, serverName, interests } = deps;
  const rooms = new LRUCache<number, RoomTimes>(atMost(ROOMS_KEPT));
  /** Rooms that are being read, with whether something changed in them meanwhile. */
  const reading = new Map<number, { changed: boolean }>();

  const unfollow = deps.log.follow({
    phase: "caches",
    kinds: ["event", "membership"],
    take(records) {
      for (const record of records) takeRecord(record);
    },
  });

  function takeRecord(record: EventRecord | MembershipRecord): void {
    const { position } = record;
    const changes = record.kind === "event" ? record.memberships : [record];
    for (const { roomNid, userId, server, membership } of changes) {
      if (server !== serverName || !interests.hasUser(userId)) continue;
      const read = reading.get(roomNid);
      if (read) read.changed = true;
      const known = rooms.get(roomNid);
      if (known) change(roomNid, known, { userId, isIn: membership === "join", position });
    }
    if (record.kind === "event" && record.mayLackMemberships === true) rooms.delete(record.roomNid);
  }

  function change(
    roomNid: number,
    { times, members, ...known }: RoomTimes,
    { userId, isIn, position }: { userId: string; isIn: boolean; position: number },
  ): void {
    const entry = rooms.get(roomNid)!;
    if (isIn) {
      if (members.size === 0) times.push({ start: position, end: Infinity });
      if (members.size < MEMBERS_KEPT) members.add(userId);
      else if (!members.has(userId)) entry.complete = false;
      if (times.length > TIMES_KEPT) rooms.delete(roomNid);
      return;
    }
    if (!members.delete(userId) || members.size > 0) return;
    if (!known.complete) rooms.delete(roomNid);
    else for (const time of times) time.end = Math.min(time.end, position);
  }

  /** Reads when the service's users were in a room, after a position. */
  async function read(roomNid: number, from: number): Promise<RoomTimes> {
    const state = { changed: false };
    reading.set(roomNid, state);
    try {
      const found = await readTimes(roomNid, from);
      if (!state.changed) rooms.set(roomNid, found);
      return found;
    } finally {
      if (reading.get(roomNid) === state) reading.delete(roomNid);
    }
  }

  async function readTimes(roomNid: number, from: number): Promise<RoomTimes> {
    const times: RoomTimes["times"] = [];
    const members = new Set<string>();
    let afterUser = "";
    for (;;) {
      const where = { roomNid, server: serverName, from, afterUser, limit: PAGE };
      const stays = await localStays(sql, where);
      for (const { userId, joinedAt, leftAt } of stays) {
        if (!interests.hasUser(userId)) continue;
        addTime(times, joinedAt, leftAt ?? Infinity);
        if (leftAt === null) members.add(userId);
      }
      if (stays.length < PAGE)
        return { from, times, members: some(members), complete: members.size <= MEMBERS_KEPT };
      // Whoever else was in it changes nothing.
      const isCovered = times.some(({ start, end }) => start <= from && end === Infinity);
      if (isCovered && members.size >= MEMBERS_KEPT) {
        return { from, times, members: some(members), complete: false };
      }
      afterUser = stays.at(-1)!.userId;
    }
  }

  return {
    async named(roomIds) {
      if (!interests.hasAliases || roomIds.length === 0) return new Set();
      const rows = await aliasesOfRooms(sql, roomIds);
      const those = rows.filter(({ alias }) => interests.hasAlias(alias));
      return new Set(those.map(({ roomId }) => roomId));
    },

    async inRoom({ roomNid, roomId }, position, named) {
      if (interests.hasRoom(roomId) || named.has(roomId)) return true;
      let known = rooms.get(roomNid);
      if (known === undefined || known.from >= position) known = await read(roomNid, position - 1);
      return known.times.some(({ start, end }) => start <= position && position < end);
    },

    stop: unfollow,
  };
}

/** Adds a time to those that there are, joined with those that it touches. */
function addTime(times: RoomTimes["times"], start: number, end: number): void {
  const apart = times.filter((time) => time.end < start || end < time.start);
  const touching = times.filter((time) => !(time.end < start || end < time.start));
  const joined = {
    start: Math.min(start, ...touching.map((time) => time.start)),
    end: Math.max(end, ...touching.map((time) => time.end)),
  };
  times.splice(0, times.length, ...apart, joined);
}

function some(members: ReadonlySet<string>): Set<string> {
  return new Set([...members].slice(0, MEMBERS_KEPT));
}

export const asInterests = (
  service: {
    readonly users: { has(id: string): boolean };
    readonly rooms: { has(id: string): boolean };
    readonly aliases: { has(id: string): boolean; readonly list: readonly unknown[] };
    readonly sender: UserId;
  },
  serverName: ServerName,
): Interests => ({
  hasUser: (userId) =>
    userId === service.sender || (userId.endsWith(`:${serverName}`) && service.users.has(userId)),
  hasRoom: (roomId) => service.rooms.has(roomId),
  hasAlias: (alias) => service.aliases.has(alias),
  hasAliases: service.aliases.list.length > 0,
});
