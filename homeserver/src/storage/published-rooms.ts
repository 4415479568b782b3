import type { Sql, Tx } from "./sql.ts";

export async function publishRoom(sql: Sql | Tx, roomNid: number, now: number): Promise<void> {
  await sql`
    INSERT INTO published_rooms (room_nid, published_ts) VALUES (${roomNid}, ${now})
    ON CONFLICT (room_nid) DO NOTHING`;
}

export async function unpublishRoom(sql: Sql | Tx, roomNid: number): Promise<void> {
  await sql`DELETE FROM published_rooms WHERE room_nid = ${roomNid}`;
}

export async function isPublished(sql: Sql | Tx, roomNid: number): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM published_rooms WHERE room_nid = ${roomNid}`;
  return rows.length > 0;
}

/** Published rooms that `server` is in, with their numbers of joined members, the biggest first. */
export async function publishedRooms(
  sql: Sql | Tx,
  server: string,
): Promise<{ roomNid: number; joined: number }[]> {
  return sql<{ roomNid: number; joined: number }[]>`
    SELECT p.room_nid AS "roomNid",
      (SELECT count(*) FROM memberships m
        WHERE m.room_nid = p.room_nid AND m.membership = 'join') AS joined
    FROM published_rooms p
    WHERE EXISTS (SELECT 1 FROM memberships o
      WHERE o.room_nid = p.room_nid AND o.server = ${server} AND o.membership = 'join')
    ORDER BY joined DESC, p.room_nid`;
}
