/** Lists of all rooms that this server is or was in, for administrators. */
import type { Sql } from "../sql.ts";
import { numberArray } from "../sql.ts";
import { type RoomStatus, statusOfRow } from "./room-status.ts";

/** By what rooms are ordered; whether the natural order falls. */
const ROOM_ORDERS = {
  name: false,
  canonical_alias: false,
  joined_members: true,
  joined_local_members: true,
  version: true,
  creator: false,
  encryption: false,
  federatable: false,
  public: false,
  join_rules: false,
  guest_access: false,
  history_visibility: false,
  state_events: true,
  last_activity: true,
  storage: true,
} as const;
export type RoomOrder = keyof typeof ROOM_ORDERS;

export interface RoomListQuery {
  readonly from: number;
  readonly limit: number;
  readonly orderBy: RoomOrder;
  /** The natural order turned around. */
  readonly reversed: boolean;
  /** In name or alias, or a room's whole identifier. */
  readonly searchTerm?: string | undefined;
  readonly isPublic?: boolean | undefined;
  /** Nobody is joined. */
  readonly isEmpty?: boolean | undefined;
  readonly status?: RoomStatus | undefined;
  readonly isEncrypted?: boolean | undefined;
  readonly version?: string | undefined;
}

export interface ListedRoom {
  readonly roomNid: number;
  readonly roomId: string;
  readonly version: string;
  readonly name: string | null;
  readonly topic: string | null;
  readonly avatar: string | null;
  readonly canonicalAlias: string | null;
  readonly joined: number;
  readonly joinedLocal: number;
  readonly creator: string | null;
  readonly encryption: string | null;
  readonly federatable: boolean;
  readonly isPublic: boolean;
  readonly joinRules: string | null;
  readonly guestAccess: string | null;
  readonly historyVisibility: string | null;
  readonly stateEvents: number;
  readonly roomType: string | null;
  readonly tombstoned: boolean;
  readonly replacementRoom: string | null;
  /** Of its newest event, ms since 1970. */
  readonly lastActivityTs: number | null;
  readonly status: RoomStatus;
  /** As counted at most some minutes ago. */
  readonly events: number;
  readonly eventBytes: number;
  /** Of the files that its events name and that are here. */
  readonly mediaBytes: number;
}

const source = (sql: Sql) => sql`
  rooms r JOIN room_heads h USING (room_nid) LEFT JOIN room_stats s USING (room_nid)
  LEFT JOIN room_sizes z USING (room_nid)`;

const isListed = (sql: Sql) => sql`
  EXISTS (SELECT 1 FROM published_rooms p WHERE p.room_nid = r.room_nid)`;

function columns(sql: Sql) {
  return sql`
    r.room_nid AS "roomNid", r.room_id AS "roomId", r.version, s.name, s.topic, s.avatar,
    s.canonical_alias AS "canonicalAlias", coalesce(s.joined, 0) AS joined,
    coalesce(s.joined_local, 0) AS "joinedLocal", s.creator, s.encryption,
    coalesce(s.federatable, true) AS federatable, ${isListed(sql)} AS "isPublic",
    s.join_rules AS "joinRules", s.guest_access AS "guestAccess",
    s.history_visibility AS "historyVisibility", coalesce(s.state_events, 0) AS "stateEvents",
    s.room_type AS "roomType", coalesce(s.tombstoned, false) AS tombstoned,
    s.replacement_room AS "replacementRoom", ${statusOfRow(sql)} AS status,
    coalesce(z.events, 0) AS events, coalesce(z.event_bytes, 0) AS "eventBytes",
    coalesce(z.media_bytes, 0) AS "mediaBytes", (
      SELECT e.origin_server_ts FROM events e
      WHERE e.room_nid = r.room_nid AND e.position IS NOT NULL AND e.status = 0
      ORDER BY e.position DESC, e.ordinal DESC LIMIT 1) AS "lastActivityTs"`;
}

function orderOf(sql: Sql, order: RoomOrder) {
  const by = {
    name: sql`s.name`,
    canonical_alias: sql`s.canonical_alias`,
    joined_members: sql`coalesce(s.joined, 0)`,
    joined_local_members: sql`coalesce(s.joined_local, 0)`,
    version: sql`r.version`,
    creator: sql`s.creator`,
    encryption: sql`s.encryption`,
    federatable: sql`coalesce(s.federatable, true)`,
    public: isListed(sql),
    join_rules: sql`s.join_rules`,
    guest_access: sql`s.guest_access`,
    history_visibility: sql`s.history_visibility`,
    state_events: sql`coalesce(s.state_events, 0)`,
    last_activity: sql`h.position`,
    storage: sql`coalesce(z.event_bytes + z.media_bytes, 0)`,
  };
  return by[order];
}

function conditions(sql: Sql, query: RoomListQuery) {
  const { searchTerm, isPublic, isEmpty, status, isEncrypted, version } = query;
  const found =
    searchTerm === undefined
      ? sql``
      : sql`AND (r.room_id = ${searchTerm} OR strpos(s.found_by, ${searchTerm.toLowerCase()}) > 0)`;
  const listed = isPublic === undefined ? sql`` : sql`AND ${isListed(sql)} = ${isPublic}`;
  const empty = isEmpty === undefined ? sql`` : sql`AND (coalesce(s.joined, 0) = 0) = ${isEmpty}`;
  return sql`true ${found} ${listed} ${empty}
    ${status === undefined ? sql`` : sql`AND ${statusOfRow(sql)} = ${status}`}
    ${isEncrypted === undefined ? sql`` : sql`AND (s.encryption IS NOT NULL) = ${isEncrypted}`}
    ${version === undefined ? sql`` : sql`AND r.version = ${version}`}`;
}

/** A page of the rooms, and how many there are. */
export async function listRooms(
  sql: Sql,
  query: RoomListQuery,
): Promise<{ rooms: ListedRoom[]; total: number }> {
  const falls = ROOM_ORDERS[query.orderBy] !== query.reversed;
  const direction = falls ? sql`DESC` : sql`ASC`;
  const where = conditions(sql, query);
  const [page, [count]] = await Promise.all([
    sql<{ nid: number }[]>`
      SELECT r.room_nid AS nid FROM ${source(sql)} WHERE ${where}
      ORDER BY ${orderOf(sql, query.orderBy)} ${direction}, r.room_id ${direction}
      LIMIT ${query.limit} OFFSET ${query.from}`,
    sql<{ total: number }[]>`SELECT count(*) AS total FROM ${source(sql)} WHERE ${where}`,
  ]);
  const rows = await roomsByNid(
    sql,
    page.map(({ nid }) => nid),
  );
  const byNid = new Map(rows.map((row) => [row.roomNid, row]));
  const rooms = page.flatMap(({ nid }) => byNid.get(nid) ?? []);
  return { rooms, total: count?.total ?? 0 };
}

/** What is told of some rooms, in no order. */
async function roomsByNid(sql: Sql, roomNids: readonly number[]): Promise<ListedRoom[]> {
  return await sql<ListedRoom[]>`
    SELECT ${columns(sql)} FROM ${source(sql)}
    WHERE r.room_nid = ANY (${numberArray(roomNids)}::bigint[])`;
}

/** What is told of one room; undefined where this server never was in it. */
export async function roomById(sql: Sql, roomId: string): Promise<ListedRoom | undefined> {
  const [row] = await sql<ListedRoom[]>`
    SELECT ${columns(sql)} FROM ${source(sql)} WHERE r.room_id = ${roomId}`;
  return row;
}

/** Devices of the joined local members of a room. */
export async function countLocalDevices(sql: Sql, roomNid: number): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*) AS n FROM memberships m JOIN devices d USING (user_id)
    WHERE m.room_nid = ${roomNid} AND m.membership = 'join'
      AND m.server = (SELECT server FROM this_server)`;
  return row?.n ?? 0;
}

/** Whether all local users who were in a room have forgotten it, and none is in it. */
export async function isForgottenHere(sql: Sql, roomNid: number): Promise<boolean> {
  const [row] = await sql<{ forgotten: boolean }[]>`
    SELECT coalesce(bool_and(forgotten), false) AS forgotten FROM memberships
    WHERE room_nid = ${roomNid} AND server = (SELECT server FROM this_server)`;
  return row?.forgotten ?? false;
}

/** The forward extremities of a room, the newest first. */
export async function extremitiesOf(
  sql: Sql,
  roomNid: number,
): Promise<{ eventId: string; depth: number; ts: number }[]> {
  return await sql<{ eventId: string; depth: number; ts: number }[]>`
    SELECT e.event_id AS "eventId", e.depth, e.origin_server_ts AS ts
    FROM room_heads h, unnest(h.extremities) AS n JOIN events e ON e.event_nid = n
    WHERE h.room_nid = ${roomNid} ORDER BY e.depth DESC, e.event_nid DESC`;
}
