import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Sql, Tx } from "./sql.ts";

/** A database that this version of Weft must not touch: newer, or changed after the fact. */
export class MigrationError extends Error {
  override name = "MigrationError";
}

export interface Migration {
  /** File name without its ending, such as "0001-log-and-rooms". */
  name: string;
  text: string;
  /** SHA-256 of the text, hexadecimal. */
  checksum: string;
}

const FOLDER = fileURLToPath(new URL("./migrations/", import.meta.url));
/** Any constant will do, as long as every Weft takes the same. */
const ADVISORY_LOCK = 7_733_001;

/** Reads the migrations of a folder in the order of their numbers. */
export async function readMigrations(folder: string = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-.*\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (file) => {
      const text = await readFile(new URL(file, `file://${folder}`), "utf8");
      const checksum = createHash("sha256").update(text).digest("hex");
      return { name: file.slice(0, -".sql".length), text, checksum };
    }),
  );
}

/**
 * Applies new migrations, in one transaction and under a lock, so that replicas may start together.
 * Returns the names applied. Throws MigrationError when an applied file has changed or the database
 * was written by a newer version.
 */
export async function migrate(sql: Sql, migrations?: readonly Migration[]): Promise<string[]> {
  const wanted = migrations ?? (await readMigrations());
  return sql.begin<string[]>(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`;
    await tx`
      CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`;
    const applied = await appliedMigrations(tx);
    checkApplied(applied, wanted);
    const fresh = wanted.filter((migration) => !applied.has(migration.name));
    for (const migration of fresh) await apply(tx, migration);
    return fresh.map((migration) => migration.name);
  });
}

async function appliedMigrations(tx: Tx): Promise<Map<string, string>> {
  const rows = await tx<{ name: string; checksum: string }[]>`
    SELECT name, checksum FROM schema_migrations ORDER BY name`;
  return new Map(rows.map((row) => [row.name, row.checksum]));
}

function checkApplied(applied: ReadonlyMap<string, string>, wanted: readonly Migration[]): void {
  const known = new Map(wanted.map((migration) => [migration.name, migration.checksum]));
  for (const [name, checksum] of applied) {
    const expected = known.get(name);
    if (expected === undefined) {
      throw new MigrationError(
        `the database has the migration ${name}, which this version of Weft does not know: run the newer version`,
      );
    }
    if (expected !== checksum) {
      throw new MigrationError(
        `the migration ${name} has changed since it was applied to this database: put the file back and add a new migration instead`,
      );
    }
  }
}

async function apply(tx: Tx, migration: Migration): Promise<void> {
  try {
    await tx.unsafe(migration.text);
  } catch (error) {
    throw new MigrationError(
      `the migration ${migration.name} failed: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  await tx`
    INSERT INTO schema_migrations (name, checksum) VALUES (${migration.name}, ${migration.checksum})`;
}
