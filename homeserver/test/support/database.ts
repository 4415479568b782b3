import { randomBytes } from "node:crypto";
import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { connect } from "../../src/storage/sql.ts";
import type { DatabaseLocation, Sql, SqlOptions } from "../../src/storage/sql.ts";
import { locationOf } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";
import { inTime } from "./wait.ts";

/** A database of a test's own, with all migrations applied. */
export interface TestDatabase {
  sql: Sql;
  /** For further clients, such as a second replica's. */
  location: DatabaseLocation;
  /** A further client, closed along with the database. */
  connect(options?: SqlOptions): Sql;
  /** Closes the clients and drops the database. */
  close(): Promise<void>;
}

let known: Promise<TestCluster> | undefined;

/** Makes a new, empty, migrated database in the test run's PostgreSQL (about 50 ms). */
export async function freshDatabase(): Promise<TestDatabase> {
  const { admin, template } = await (known ??= askForCluster());
  const name = `weft_test_${randomBytes(6).toString("hex")}`;
  await administer(admin, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const location = locationOf(admin, name);
  const clients: Sql[] = [];
  const open = (options?: SqlOptions) => {
    const sql = connect(location, { max: 4, ...options });
    clients.push(sql);
    return sql;
  };
  return {
    sql: open(),
    location,
    connect: open,
    async close() {
      await Promise.all(clients.map((sql) => sql.end({ timeout: 2 })));
      await administer(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function administer(admin: DatabaseLocation, statement: string): Promise<void> {
  const sql = connect(admin, { max: 1 });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

async function askForCluster(): Promise<TestCluster> {
  const path = process.env["WEFT_TEST_CLUSTER"];
  if (path === undefined) {
    throw new Error("no test database: run under homeserver/vitest.config.ts");
  }
  const answer = JSON.parse(
    await inTime("the start of PostgreSQL", text(createConnection(path)), 180_000),
  ) as TestCluster & { error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}
