/** Which servers are told what of local users' devices, as the log grows. */
import type { EventRecord, MembershipChange, RecordOf } from "../log/types.ts";
import { type ServerName, serverOf, type UserId } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/api/index.ts";
import { serversOfUsers } from "../storage/federation/outbound-devices.ts";
import {
  serversNewTo,
  type SharingRow,
  usersNewTo,
  usersWithDevices,
} from "../storage/federation/outbound-sharing.ts";
import { isStoreRefusing, type Sql } from "../storage/sql.ts";
import type { DeviceUpdates } from "./device-updates.ts";
import type { OutboundEdu } from "./outbound-item.ts";
import type { RoomServers } from "./room-servers.ts";
import type { SentRecord } from "./types.ts";

/** EDUs for some servers. */
export interface News {
  readonly servers: readonly ServerName[];
  readonly edus: readonly OutboundEdu[];
}

/** Log position → the EDUs of that position. */
export type NewsByPosition = ReadonlyMap<number, readonly News[]>;

interface Join extends MembershipChange {
  readonly position: number;
}

/**
 * With more changes of members than this in one event, this server enters a room, or a state was
 * resolved: of other servers' users only the one whom the event is about is looked at.
 */
const MAX_CHANGES = 20;

/**
 * The servers that share a room with a local user are told of each change. Those that come to share
 * one are told of the user's newest change; whether they know the others shows by its `prev_id`.
 */
export function createDeviceNews(deps: {
  readonly sql: Sql;
  readonly view: RoomView;
  readonly roomServers: RoomServers;
  readonly updates: DeviceUpdates;
  readonly ours: ServerName;
}) {
  const { sql, view, roomServers, updates, ours } = deps;

  async function changes(records: readonly SentRecord[], add: Add): Promise<void> {
    const own = records.filter(
      (record) => record.kind === "device_list" && serverOf(record.userId as UserId) === deps.ours,
    ) as RecordOf<"device_list">[];
    if (own.length === 0) return;
    const users = [...new Set(own.map(({ userId }) => userId))];
    const [serversOf, chained] = await Promise.all([
      serversOfUsers(sql, users, ours),
      updates.chained(own),
    ]);
    const told = chained.filter(({ userId }) => serversOf.has(userId));
    const edus = await updates.edusOf(told);
    told.forEach(({ userId, position }, i) => {
      const edu = edus[i];
      if (edu) add(position, { servers: serversOf.get(userId)!, edus: [edu] });
    });
  }

  async function arrivals(records: readonly SentRecord[], add: Add): Promise<void> {
    const joins = await newJoins(records);
    if (joins.length === 0) return;
    const pairs = [...(await ofLocalUsers(joins)), ...(await ofServers(joins))];
    const introductions = await updates.introductions(
      pairs.map(({ userId, position }) => ({ userId, upTo: position })),
    );
    for (const { position, userId, servers } of pairs) {
      const edus = introductions.get(userId) ?? [];
      if (edus.length > 0) add(position, { servers, edus });
    }
  }

  /** Joins of users who were not joined before. */
  async function newJoins(records: readonly SentRecord[]): Promise<Join[]> {
    const joins: Join[] = [];
    for (const record of records) {
      if (record.kind !== "event") continue;
      const isCrowd = record.memberships.length > MAX_CHANGES;
      for (const change of record.memberships) {
        if (change.membership !== "join") continue;
        if (isCrowd && change.server !== ours && change.eventNid !== record.eventNid) continue;
        if (await wasJoined(record, change)) continue;
        joins.push({ ...change, position: record.position });
      }
    }
    return joins;
  }

  /** True if the event only changes a member's name or the like. */
  async function wasJoined(record: EventRecord, change: MembershipChange): Promise<boolean> {
    if (change.eventNid !== record.eventNid || record.stateBefore === null) return false;
    const key = ["m.room.member", change.userId] as const;
    try {
      const [before] = await view.stateEventsAt(record.stateBefore, [key]);
      return before?.event.content.membership === "join";
    } catch (error) {
      // A state that was purged meanwhile is no reason to stop. To be told twice does no harm.
      if (isStoreRefusing(error)) throw error;
      return false;
    }
  }

  /** The servers in the rooms that local users joined. */
  async function ofLocalUsers(joins: readonly Join[]) {
    const own = joins.filter(({ server }) => server === ours);
    if (own.length === 0) return [];
    const known = await usersWithDevices(
      sql,
      own.map(({ userId }) => userId),
    );
    const pairs = [];
    for (const join of own.filter(({ userId }) => known.has(userId))) {
      const all = await roomServers.serversIn(join.roomNid);
      const servers = await serversNewTo(sql, { ...join, servers: all });
      if (servers.length > 0) pairs.push({ ...join, servers });
    }
    return pairs;
  }

  /** The local users in the rooms that other servers came into. */
  async function ofServers(joins: readonly Join[]) {
    const others = joins.filter(({ server }) => server !== ours);
    const each = new Map(
      others.map(({ roomNid, position, server }) => [
        `${position} ${server}`,
        { roomNid, position, server: server as ServerName },
      ]),
    );
    const rows: SharingRow[] = await usersNewTo(sql, [...each.values()]);
    return rows.map(({ server, ...row }) => ({ ...row, servers: [server] }));
  }

  return {
    /** The EDUs that these records bring about. */
    async of(records: readonly SentRecord[]): Promise<NewsByPosition> {
      const byPosition = new Map<number, News[]>();
      const add: Add = (position, news) => {
        const list = byPosition.get(position);
        if (list) list.push(news);
        else byPosition.set(position, [news]);
      };
      await changes(records, add);
      await arrivals(records, add);
      return byPosition;
    },
  };
}

type Add = (position: number, news: News) => void;
