import type { Sql, Tx } from "../sql.ts";

/** Publishes a room in the directory, for a user. A published one stays as it is. */
export async function publishRoom(
  sql: Sql | Tx,
  roomNid: number,
  publisher: string,
  now: number,
): Promise<void> {
  await sql`
    INSERT INTO published_rooms (room_nid, publisher, published_ts)
    VALUES (${roomNid}, ${publisher}, ${now}) ON CONFLICT (room_nid) DO NOTHING`;
}

/** How many rooms a user has put into the directory. */
export async function countPublished(sql: Sql | Tx, publisher: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*) AS n FROM published_rooms WHERE publisher = ${publisher}`;
  return row?.n ?? 0;
}

/** Replaces a published room by another; nothing happens when it is not published. */
export async function movePublication(
  sql: Sql | Tx,
  fromNid: number,
  toNid: number,
): Promise<void> {
  await sql`
    UPDATE published_rooms SET room_nid = ${toNid} WHERE room_nid = ${fromNid}
      AND NOT EXISTS (SELECT 1 FROM published_rooms WHERE room_nid = ${toNid})`;
  await unpublishRoom(sql, fromNid);
}

export async function unpublishRoom(sql: Sql | Tx, roomNid: number): Promise<void> {
  await sql`DELETE FROM published_rooms WHERE room_nid = ${roomNid}`;
}

export async function isPublished(sql: Sql | Tx, roomNid: number): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM published_rooms WHERE room_nid = ${roomNid}`;
  return rows.length > 0;
}

/** Those of the rooms that are published. */
export async function publishedAmong(sql: Sql, roomNids: readonly number[]): Promise<Set<number>> {
  if (roomNids.length === 0) return new Set();
  const rows = await sql<{ roomNid: number }[]>`
    SELECT room_nid AS "roomNid" FROM published_rooms WHERE room_nid = ANY(${roomNids as number[]})`;
  return new Set(rows.map(({ roomNid }) => roomNid));
}

interface NetworkRoom {
  /** Id of the application service's registration. */
  readonly service: string;
  readonly networkId: string;
  readonly roomNid: number;
}

/** Lists a room in the directory of a network. */
export async function listInNetwork(sql: Sql | Tx, room: NetworkRoom): Promise<void> {
  await sql`
    INSERT INTO network_rooms (service, network_id, room_nid)
    VALUES (${room.service}, ${room.networkId}, ${room.roomNid}) ON CONFLICT DO NOTHING`;
}

export async function unlistFromNetwork(sql: Sql | Tx, room: NetworkRoom): Promise<void> {
  await sql`
    DELETE FROM network_rooms WHERE service = ${room.service}
      AND network_id = ${room.networkId} AND room_nid = ${room.roomNid}`;
}

/** Which directories: a network's alone, as `service|network`; or the server's, with all networks'. */
interface Directories {
  readonly network?: string | undefined;
  readonly allNetworks?: boolean | undefined;
}

/** Published rooms that `server` is in, with their numbers of joined members, the biggest first. */
export async function publishedRooms(
  sql: Sql | Tx,
  server: string,
  { network, allNetworks = false }: Directories = {},
): Promise<{ roomNid: number; joined: number }[]> {
  const listed =
    network === undefined
      ? sql`SELECT room_nid FROM published_rooms
          UNION SELECT room_nid FROM network_rooms WHERE ${allNetworks}`
      : sql`SELECT room_nid FROM network_rooms WHERE service || '|' || network_id = ${network}`;
  return sql<{ roomNid: number; joined: number }[]>`
    SELECT p.room_nid AS "roomNid",
      (SELECT count(*) FROM memberships m
        WHERE m.room_nid = p.room_nid AND m.membership = 'join') AS joined
    FROM (${listed}) p
    WHERE EXISTS (SELECT 1 FROM memberships o
      WHERE o.room_nid = p.room_nid AND o.server = ${server} AND o.membership = 'join')
    ORDER BY joined DESC, p.room_nid`;
}
