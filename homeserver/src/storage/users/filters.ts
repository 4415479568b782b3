import type { Sql, Tx } from "../sql.ts";

/** Stores a filter's canonical JSON once per user and returns its id. */
export async function insertFilter(
  tx: Sql | Tx,
  userId: string,
  hash: Buffer,
  content: string,
): Promise<number> {
  const [row] = await tx<{ id: number }[]>`
    INSERT INTO filters (user_id, hash, content) VALUES (${userId}, ${hash}, ${content})
    ON CONFLICT (user_id, hash) DO UPDATE SET hash = excluded.hash
    RETURNING filter_id AS id`;
  return row!.id;
}

/** A user's filter by its content. */
export async function findFilterByHash(
  sql: Sql | Tx,
  userId: string,
  hash: Buffer,
): Promise<number | undefined> {
  const [row] = await sql<{ id: number }[]>`
    SELECT filter_id AS id FROM filters WHERE user_id = ${userId} AND hash = ${hash}`;
  return row?.id;
}

/** A user's filter by its id: JSON text. */
export async function findFilter(
  sql: Sql | Tx,
  userId: string,
  filterId: number,
): Promise<string | undefined> {
  const [row] = await sql<{ content: string }[]>`
    SELECT content FROM filters WHERE user_id = ${userId} AND filter_id = ${filterId}`;
  return row?.content;
}

/** How many filters a user has stored. */
export async function countFilters(sql: Sql | Tx, userId: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    SELECT count(*)::integer AS n FROM filters WHERE user_id = ${userId}`;
  return row?.n ?? 0;
}

/** Deletes all filters of a user. */
export async function deleteFilters(sql: Sql | Tx, userId: string): Promise<void> {
  await sql`DELETE FROM filters WHERE user_id = ${userId}`;
}
