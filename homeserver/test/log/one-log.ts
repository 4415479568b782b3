/** One log on a database of its own, and the records that it has told. */
import { afterAll, beforeAll } from "vitest";
import type { LogRecord } from "../../src/log/types.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { hear, openLog } from "./support.ts";
import type { TestLog } from "./support.ts";

let database: TestDatabase;
export let one: TestLog;
export const records: LogRecord[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  one = await openLog(database.location);
  hear(one.log, (fresh) => records.push(...fresh));
});

afterAll(async () => {
  await one.stop();
  await database.close();
});
