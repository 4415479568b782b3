import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";

/** How many rows all tables have together, of the PostgreSQL that Weft runs in its data folder. */
export async function countEmbedded(dataFolder: string): Promise<number> {
  // The fifth line is the folder of its socket.
  const lines = readFileSync(join(dataFolder, "postgres", "postmaster.pid"), "utf8").split("\n");
  const sql = postgres({ host: lines[4]!.trim(), database: "weft", username: "weft", max: 1 });
  try {
    const tables = await sql<{ name: string }[]>`
      SELECT format('%I.%I', schemaname, relname) AS name FROM pg_stat_user_tables`;
    const counts = tables.map(({ name }) => `(SELECT count(*) FROM ${name})`).join(" + ");
    const [row] = await sql.unsafe<{ rows: string }[]>(`SELECT ${counts} AS rows`);
    return Number(row!.rows);
  } finally {
    await sql.end();
  }
}

/** The same of an SQLite file that another process writes. */
export function countSqlite(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const counts = tables.map(({ name }) => `(SELECT count(*) FROM "${String(name)}")`).join(" + ");
    return Number(database.prepare(`SELECT ${counts} AS rows`).get()!["rows"]);
  } finally {
    database.close();
  }
}
