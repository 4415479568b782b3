import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateBinaries, packageVersion } from "../../src/storage/embedded/binaries.ts";
import { startEmbeddedPostgres } from "../../src/storage/embedded/postgres.ts";
import { migrate, readMigrations } from "../../src/storage/migrate.ts";
import { connect } from "../../src/storage/sql.ts";
import type { DatabaseLocation, Sql } from "../../src/storage/sql.ts";
import { makeTemporaryFolder } from "../../src/storage/temporary-folder.ts";

/** What test workers need to know of the PostgreSQL they share. */
export interface TestCluster {
  /** Where databases are created and dropped. */
  admin: DatabaseLocation;
  /** A database with all migrations applied, to be copied. */
  template: string;
}

export interface RunningTestCluster extends TestCluster {
  stop(): Promise<void>;
}

/** Starts the PostgreSQL of a test run, or uses the one of WEFT_TEST_DATABASE_URL, and makes the template. */
export async function startTestCluster(): Promise<RunningTestCluster> {
  const url = process.env["WEFT_TEST_DATABASE_URL"];
  if (url !== undefined && url !== "") {
    const admin = { url };
    return { admin, template: await makeTemplate(admin), stop: async () => {} };
  }
  const dataDir = makeTemporaryFolder("weft-test-");
  await cp(await emptyCluster(), join(dataDir, "postgres"), { recursive: true });
  const postgres = await startEmbeddedPostgres({ dataDir, settings: SETTINGS });
  const admin = { ...postgres.location, database: "postgres" };
  return {
    admin,
    template: await makeTemplate(admin),
    async stop() {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const UNSAFE = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
/** A test file may run a dozen servers, two files run at a time, and each server has clients of its own. */
const SETTINGS = { ...UNSAFE, max_connections: "300" };

/** An empty cluster that earlier runs left for copying: making one takes a second of CPU time. */
async function emptyCluster(): Promise<string> {
  const binaries = locateBinaries();
  const name = `weft-test-cluster-${await packageVersion(binaries)}-${process.getuid?.() ?? 0}`;
  const kept = join(tmpdir(), name);
  if (!existsSync(join(kept, "postgres"))) {
    const draft = makeTemporaryFolder("weft-test-");
    const postgres = await startEmbeddedPostgres({ dataDir: draft, settings: UNSAFE });
    await postgres.stop();
    await mkdir(kept, { recursive: true, mode: 0o700 });
    // Another run may have been faster; either will do.
    await rename(join(draft, "postgres"), join(kept, "postgres")).catch(() => {});
    await rm(draft, { recursive: true, force: true });
  }
  return join(kept, "postgres");
}

/** The same server, another database. */
export function locationOf(cluster: DatabaseLocation, database: string): DatabaseLocation {
  if (cluster.url === undefined) return { ...cluster, database };
  const url = new URL(cluster.url);
  url.pathname = `/${database}`;
  return { url: url.toString() };
}

/** The template is named after what is in it, so that a kept server makes a new one when a migration is new. */
async function makeTemplate(admin: DatabaseLocation): Promise<string> {
  const migrations = await readMigrations();
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(migrations.map((migration) => migration.checksum).join()),
  );
  const name = `weft_template_${Buffer.from(digest).toString("hex").slice(0, 12)}`;
  const sql = connect(admin, { max: 1 });
  try {
    await sql`SELECT pg_advisory_lock(7733002)`;
    if (await isReady(sql, name)) return name;
    await sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await sql.unsafe(`CREATE DATABASE ${name}`);
    const template = connect(locationOf(admin, name), { max: 1 });
    await migrate(template, migrations);
    await template.end();
    await sql.unsafe(`COMMENT ON DATABASE ${name} IS 'ready'`);
    return name;
  } finally {
    await sql.end();
  }
}

async function isReady(sql: Sql, name: string): Promise<boolean> {
  const rows = await sql<{ comment: string | null }[]>`
    SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = ${name}`;
  return rows[0]?.comment === "ready";
}
