/** What takes how much room. Sizes are bytes. */
import type { Sql } from "../sql.ts";

interface TableSize {
  readonly name: string;
  readonly bytes: number;
}

interface MediaSizes {
  readonly uploads: number;
  readonly uploadBytes: number;
  readonly copies: number;
  readonly copyBytes: number;
  readonly thumbnails: number;
  readonly thumbnailBytes: number;
}

/** The largest tables, with their indices. */
export async function largestTables(sql: Sql, max: number): Promise<TableSize[]> {
  return sql<TableSize[]>`
    SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    ORDER BY bytes DESC, name LIMIT ${max}`;
}

/** Uploads of this server, copies of other servers' files, and thumbnails of both. */
export async function mediaSizes(sql: Sql): Promise<MediaSizes> {
  const [row] = await sql<MediaSizes[]>`
    SELECT count(*) FILTER (WHERE user_id IS NOT NULL) AS uploads,
      coalesce(sum(size) FILTER (WHERE user_id IS NOT NULL), 0)::bigint AS "uploadBytes",
      count(*) FILTER (WHERE user_id IS NULL) AS copies,
      coalesce(sum(size) FILTER (WHERE user_id IS NULL), 0)::bigint AS "copyBytes",
      (SELECT count(*) FROM thumbnails WHERE sha256 IS NOT NULL) AS thumbnails,
      (SELECT coalesce(sum(size), 0)::bigint FROM thumbnails) AS "thumbnailBytes"
    FROM media WHERE sha256 IS NOT NULL`;
  return row!;
}

interface RoomSize {
  readonly events: number;
  readonly eventBytes: number;
  readonly uploads: number;
  readonly uploadBytes: number;
  readonly copies: number;
  readonly copyBytes: number;
}

/** What a room's events take, and the files that they name. */
export async function sizeOfRoom(sql: Sql, roomNid: number, own: string): Promise<RoomSize> {
  const [row] = await sql<RoomSize[]>`
    WITH files AS (
      SELECT DISTINCT r.server, r.media_id, m.size FROM media_references r
      JOIN media m USING (server, media_id)
      WHERE r.room_nid = ${roomNid} AND NOT r.redacted AND m.sha256 IS NOT NULL)
    SELECT count(*) AS events, coalesce(sum(octet_length(json)), 0)::bigint AS "eventBytes",
      (SELECT count(*) FROM files WHERE server = ${own}) AS uploads,
      (SELECT coalesce(sum(size), 0)::bigint FROM files WHERE server = ${own}) AS "uploadBytes",
      (SELECT count(*) FROM files WHERE server <> ${own}) AS copies,
      (SELECT coalesce(sum(size), 0)::bigint FROM files WHERE server <> ${own}) AS "copyBytes"
    FROM events WHERE room_nid = ${roomNid}`;
  return row!;
}

export async function roomNidOf(sql: Sql, roomId: string): Promise<number | undefined> {
  const [row] = await sql<{ roomNid: number }[]>`
    SELECT room_nid AS "roomNid" FROM rooms WHERE room_id = ${roomId}`;
  return row?.roomNid;
}

/** About how many events there are. */
export async function countEventsRoughly(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    SELECT greatest(reltuples, 0)::bigint AS count FROM pg_class WHERE oid = 'events'::regclass`;
  return row!.count;
}

/** The rooms whose events take most, by a sample of so many per cent of all pages. */
export async function largestRooms(
  sql: Sql,
  percent: number,
  max: number,
): Promise<{ roomId: string; bytes: number }[]> {
  return sql<{ roomId: string; bytes: number }[]>`
    SELECT r.room_id AS "roomId", (found.bytes * 100 / ${percent}::double precision)::bigint AS bytes
    FROM (SELECT room_nid, sum(octet_length(json)) AS bytes
          FROM events TABLESAMPLE SYSTEM (${percent}::double precision)
          GROUP BY room_nid ORDER BY bytes DESC LIMIT ${max}) found
    JOIN rooms r USING (room_nid) ORDER BY found.bytes DESC, r.room_id`;
}
