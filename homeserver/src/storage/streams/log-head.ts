import type { Sql, Tx } from "../sql.ts";

/** Everything up to here is committed. */
export async function logPosition(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ position: number }[]>`SELECT position FROM log_head`;
  if (row === undefined) throw new Error("log_head has no row: the database is not migrated");
  return row.position;
}

/** The same once no commit that has begun is under way. */
export async function settledLogPosition(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ position: number }[]>`SELECT position FROM log_head FOR SHARE`;
  if (row === undefined) throw new Error("log_head has no row: the database is not migrated");
  return row.position;
}
