/**
 * Two writers that write several rows of one table take them in one order: else each may hold a row that the other waits
 * for, and PostgreSQL ends one of them with an error.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { saveDestinations } from "../../src/storage/federation/outbound.ts";
import { ensureTuples } from "../../src/storage/rooms/heads.ts";
import { upsertServerKeys } from "../../src/storage/federation/server-keys.ts";
import {
  insertStaged,
  postponeStaged,
  removeStaged,
} from "../../src/storage/rooms/staged-events.ts";
import type { Sql, Tx } from "../../src/storage/sql.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let db: TestDatabase;

beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.close());

const stage = (sql: Sql | Tx, names: readonly string[]) =>
  insertStaged(
    sql,
    "b.test",
    1,
    names.map((name) => ({ eventId: `$${name}`, json: "{}" })),
    { receivedTs: 1, nextTry: 1 },
    { perRoom: 100, perOrigin: 100 },
  );

const WRITES: readonly {
  readonly what: string;
  readonly write: (sql: Sql | Tx, names: readonly string[]) => Promise<unknown>;
  /** The rows are there before. */
  readonly isOfStored?: boolean;
}[] = [
  {
    what: "keys of states",
    write: (sql, names) =>
      ensureTuples(
        sql,
        names.map((name) => ["org.example.type", name] as const),
      ),
  },
  {
    what: "keys of servers",
    write: (sql, names) =>
      upsertServerKeys(
        sql,
        names.map((name) => ({
          ...{ server: `${name}.test` as ServerName, keyId: "ed25519:a", publicKey: "k" },
          ...{ validUntil: 1, fetched: 1 },
        })) as never,
      ),
  },
  {
    what: "how far other servers are",
    write: (sql, names) =>
      saveDestinations(
        sql,
        names.map((name) => ({ server: `${name}.test` as ServerName, sent: 1, wanted: 2 })),
      ),
  },
  { what: "events that wait", write: stage },
  {
    what: "events that wait longer",
    isOfStored: true,
    write: (sql, names) =>
      postponeStaged(
        sql,
        names.map((name) => ({ eventId: `$${name}`, nextTry: 2 })),
      ),
  },
  {
    what: "events that wait no more",
    isOfStored: true,
    write: (sql, names) =>
      removeStaged(
        sql,
        names.map((name) => `$${name}`),
      ),
  },
];

/** Resolves once a query of the other connections waits for a lock. */
async function untilOneWaits(): Promise<void> {
  await expect
    .poll(
      async () => {
        const [row] = await db.sql<{ count: number }[]>`
        SELECT count(*)::int AS count FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()`;
        return row?.count;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThan(0);
}

describe("rows are written in one order", () => {
  it.each(WRITES)("$what", async ({ write, isOfStored }) => {
    await db.sql`DELETE FROM staged_events`;
    if (isOfStored === true) await stage(db.sql, ["m", "z", "a"]);
    const others = db.connect({ max: 2 });
    let waiting: Promise<unknown> | undefined;
    await db.sql.begin(async (tx) => {
      await write(tx as never, ["m"]);
      // "a" comes before "m", and "z" after it, in whatever order they are named.
      waiting = write(others, ["z", "m", "a"]);
      await untilOneWaits();
      // So it does not hold "z" yet.
      await tx`SET LOCAL lock_timeout = '5s'`;
      await write(tx as never, ["z"]);
    });
    await waiting;
    await others.end();
  });
});
