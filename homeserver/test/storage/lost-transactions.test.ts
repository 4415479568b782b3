import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createExclusive } from "../../src/storage/exclusive.ts";
import { connect, type Sql } from "../../src/storage/sql.ts";
import { openCutOff, type CutOff } from "../support/cut-off.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { eventually, inTime, nextTurn } from "../support/wait.ts";

let database: TestDatabase;
let way: CutOff;
/** A single connection, by way of what can be cut off. */
let sql: Sql;
const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);

const skipped = Boolean(process.env["WEFT_TEST_DATABASE_URL"]);

beforeAll(async () => {
  process.on("uncaughtExceptionMonitor", note);
  database = await freshDatabase();
  await database.sql`CREATE TABLE notes (text text)`;
  if (skipped) return;
  way = await openCutOff(database.location);
  sql = connect(way.location, { max: 1 });
});
beforeEach(async () => {
  await database.sql`DELETE FROM notes`;
});
afterAll(async () => {
  process.off("uncaughtExceptionMonitor", note);
  await sql?.end({ timeout: 1 });
  await way?.close();
  await database.close();
});

const notes = async () => (await database.sql`SELECT text FROM notes`).map(({ text }) => text);

test.skipIf(skipped)("a transaction whose connection is dropped in a query is undone", async () => {
  const begun = Promise.withResolvers<void>();
  const lost = sql.begin(async (tx) => {
    await tx`INSERT INTO notes VALUES ('undone')`;
    begun.resolve();
    await tx`SELECT pg_sleep(60)`;
  });
  await begun.promise;
  way.cut();
  await expect(lost).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  expect(await notes()).toEqual([]);
  expect(uncaught).toEqual([]);
});

test.skipIf(skipped)(
  "what goes on after its connection is lost writes nothing, and ends nobody else's transaction",
  async () => {
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let error: unknown;
    const lost = sql.begin(async (tx) => {
      await tx`INSERT INTO notes VALUES ('first')`;
      begun.resolve();
      await goOn.promise;
      await tx`INSERT INTO notes VALUES ('second')`.catch((thrown: unknown) => (error = thrown));
    });
    await begun.promise;
    way.cut();
    await expect(lost).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    const other = sql.begin(async (tx) => {
      await tx`INSERT INTO notes VALUES ('other')`;
      goOn.resolve();
      // What goes on has had its turn when this is answered.
      await tx`SELECT 1`;
      await nextTurn();
      throw new Error("undo it");
    });
    await expect(other).rejects.toThrow("undo it");
    expect(error).toBeUndefined();
    expect(await notes()).toEqual([]);
    expect(uncaught).toEqual([]);
  },
);

test.skipIf(skipped)("a task whose lock is lost is waited for all the same", async () => {
  const locks = connect(way.location, { max: 1 });
  const exclusive = createExclusive(locks);
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const order: string[] = [];
  const task = exclusive.run("one", async () => {
    begun.resolve();
    await goOn.promise;
    order.push("first");
    return "done";
  });
  const next = exclusive.run("one", async () => void order.push("second"));
  await begun.promise;
  way.cut();
  // Nobody has the lock any more, and the next task waits all the same.
  await eventually("the lock is gone", async () => {
    const held = await database.sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory'`;
    return held.length === 0;
  });
  goOn.resolve();
  expect(await inTime("the task", task)).toBe("done");
  await inTime("the next task", next);
  expect(order).toEqual(["first", "second"]);
  expect(uncaught).toEqual([]);
  await exclusive.close();
});
