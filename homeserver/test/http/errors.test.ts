import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorReply } from "../../src/http/reply/errors.ts";
import { connect } from "../../src/storage/sql.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

/** What a database refuses, by kind. */
const REFUSED: readonly [string, (text: string) => Promise<unknown>][] = [
  ["a NUL character", () => database.sql`SELECT ${"a\0b"}::text`],
  ["a number that is none", () => database.sql`SELECT ${"x"}::text::bigint`],
  ["a row that is there", () => database.sql`INSERT INTO log_head SELECT * FROM log_head`],
  ["a table that is not", () => database.sql`SELECT * FROM nowhere`],
];

/** When it serves nobody, or not this. */
const AWAY: readonly [string, () => Promise<unknown>][] = [
  ["ends the connection", () => database.sql`SELECT pg_terminate_backend(pg_backend_pid())`],
  ["may only be read", () => database.sql.begin("READ ONLY", (tx) => tx`CREATE TABLE nothing ()`)],
  [
    "holds a lock for too long",
    () =>
      database.sql.begin(async (tx) => {
        await tx`LOCK TABLE log_head`;
        await database.sql.begin(async (other) => {
          await other`SET LOCAL lock_timeout = 10`;
          await other`LOCK TABLE log_head`;
        });
      }),
  ],
  [
    "takes too long",
    () =>
      database.sql.begin(async (tx) => {
        await tx`SET LOCAL statement_timeout = 10`;
        await tx`SELECT pg_sleep(60)`;
      }),
  ],
  ["has no room", () => database.sql.unsafe("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$")],
  ["is not at its socket", () => connect({ socketFolder: "/nowhere" }, { max: 1 })`SELECT 1`],
  [
    "is not at its port",
    () => connect({ url: "postgres://x:y@127.0.0.1:1/z" }, { max: 1 })`SELECT 1`,
  ],
];

test.each(AWAY)("where the database %s, the answer is a 503 that says so", async (_, act) => {
  const lines: unknown[] = [];
  const log = { error: (fields: unknown) => lines.push(fields) };
  const error = await act().then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  const reply = errorReply(error, log as unknown as Logger);
  expect(reply.status).toBe(503);
  expect(JSON.parse(reply.payload as string)).toEqual({
    errcode: "M_UNKNOWN",
    error: "The database does not answer: try again",
  });
  expect(lines).toEqual([{ err: error }]);
});

test("a file that is not there is no such thing", async () => {
  const log = { error: () => undefined } as unknown as Logger;
  const missing = await readFile("/nowhere").catch((error: unknown) => error);
  expect(errorReply(missing, log).status).toBe(500);
});

test.each(REFUSED)("what the database refuses (%s) is a 500 with the log's id", async (_, act) => {
  const lines: Record<string, unknown>[] = [];
  const log = { error: (fields: Record<string, unknown>) => lines.push(fields) };
  const error = await act("").then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  expect(error).toBeDefined();
  const reply = errorReply(error, log as unknown as Logger);
  expect(reply.status).toBe(500);
  const body = JSON.parse(reply.payload as string) as { errcode: string; error: string };
  expect(body.errcode).toBe("M_UNKNOWN");
  expect(lines).toEqual([{ err: error, errorId: expect.stringMatching(/^[0-9a-f]{12}$/) }]);
  expect(body.error).toBe(`Internal error ${String(lines[0]!["errorId"])}`);
});
