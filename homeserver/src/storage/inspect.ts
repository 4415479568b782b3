import type { Sql } from "./sql.ts";

/** What a database is like, for `weft doctor`. */
export interface DatabaseState {
  /** PostgreSQL's, such as "18.4". */
  readonly version: string;
  /** Its clock, ms since 1970. */
  readonly now: number;
  readonly appliedMigrations: number;
}

/** Looks, and changes nothing: the database may be new. */
export async function inspectDatabase(sql: Sql): Promise<DatabaseState> {
  const [row] = await sql<{ version: string; now: number; migrated: boolean }[]>`
    SELECT current_setting('server_version') AS version,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
      to_regclass('schema_migrations') IS NOT NULL AS migrated`;
  const { version = "", now = 0, migrated = false } = row ?? {};
  if (!migrated) return { version, now, appliedMigrations: 0 };
  const [count] = await sql<{ applied: number }[]>`
    SELECT count(*) AS applied FROM schema_migrations`;
  return { version, now, appliedMigrations: count?.applied ?? 0 };
}
