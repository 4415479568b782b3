import { afterAll, beforeAll, expect, test } from "vitest";
import { errorReply } from "../../src/http/errors.ts";
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
  const body = JSON.parse(String(reply.payload)) as { errcode: string; error: string };
  expect(body.errcode).toBe("M_UNKNOWN");
  expect(lines).toEqual([{ err: error, errorId: expect.stringMatching(/^[0-9a-f]{12}$/) }]);
  expect(body.error).toBe(`Internal error ${String(lines[0]!["errorId"])}`);
});
