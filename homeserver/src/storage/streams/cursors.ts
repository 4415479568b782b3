import type { Sql, Tx } from "../sql.ts";

/** How far a follower of the log has processed it; undefined when it is new. */
export async function loadCursor(sql: Sql | Tx, name: string): Promise<number | undefined> {
  const [row] = await sql<{ position: number }[]>`
    SELECT position FROM cursors WHERE name = ${name}`;
  return row?.position;
}

/** Moves a cursor forward; never backward, whoever saves last. */
export async function saveCursor(sql: Sql | Tx, name: string, position: number): Promise<void> {
  await sql`
    INSERT INTO cursors AS c (name, position) VALUES (${name}, ${position})
    ON CONFLICT (name) DO UPDATE SET position = greatest(c.position, excluded.position)`;
}
