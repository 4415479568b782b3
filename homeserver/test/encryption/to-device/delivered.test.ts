/** What devices have got is deleted in the background. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createDelivered, type Delivered } from "../../../src/encryption/to-device/delivered.ts";
import { createManualClock, type ManualClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { openLog, type TestLog } from "../../log/support.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import { freshDatabase, type TestDatabase } from "../../support/database.ts";
import { until } from "../../support/wait.ts";

const userId = "@alice:here.example";
let database: TestDatabase;
let one: TestLog;
let clock: ManualClock;
let delivered: Delivered;
let statements = 0;
let isAway = false;

beforeAll(async () => {
  database = await freshDatabase();
  one = await openLog(database.location);
});

afterAll(async () => {
  await one.stop();
  await database.close();
});

beforeEach(async () => {
  await database.sql`DELETE FROM to_device_messages`;
  clock = createManualClock();
  statements = 0;
  const sql = ((...args: Parameters<Sql>) => {
    statements += 1;
    return isAway ? Promise.reject(new Error("away")) : one.sql(...args);
  }) as never as Sql;
  delivered = createDelivered({ sql, log: one.log, clock, logger: silentLogger() });
});

afterEach(() => delivered.stop());

async function put(deviceId: string, count: number): Promise<number> {
  const row = { kind: "to_device", userId, deviceId, message: "{}" } as const;
  const { position } = await one.log.append({ records: Array.from({ length: count }, () => row) });
  return position;
}

async function waiting(deviceId: string): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    SELECT count(*) FROM to_device_messages WHERE device_id = ${deviceId}`;
  return row?.count ?? 0;
}

/** The second passes after which it deletes. */
async function pass() {
  await until(() => clock.sleepers > 0);
  clock.advance(1_000);
}

test("messages up to the position are deleted, of many devices in one statement", async () => {
  const upTo = await put("A", 3);
  await put("A", 2);
  await put("B", 4);
  delivered.note({ userId, deviceId: "A", upTo });
  delivered.note({ userId, deviceId: "B", upTo: one.log.position });
  expect([await waiting("A"), await waiting("B")]).toEqual([5, 4]);
  await pass();
  await until(async () => (await waiting("A")) === 2 && (await waiting("B")) === 0);
  expect(statements).toBe(1);
});

test("a device without new messages costs nothing", async () => {
  const sync = () => delivered.note({ userId, deviceId: "A", upTo: one.log.position });
  await put("A", 1);
  sync();
  await pass();
  await until(async () => (await waiting("A")) === 0);
  await put("B", 1);
  sync();
  sync();
  expect(clock.sleepers).toBe(0);
  await put("A", 1);
  sync();
  await pass();
  await until(async () => (await waiting("A")) === 0);
  expect(statements).toBe(2);
});

test("what a device has got is known at once, before it is deleted", async () => {
  const [first, second] = [await put("A", 1), await put("A", 1)];
  delivered.note({ userId, deviceId: "A", upTo: second });
  delivered.note({ userId, deviceId: "A", upTo: first });
  expect(delivered.upTo(userId, "A")).toBe(second);
  expect(delivered.upTo(userId, "B")).toBe(0);
  await pass();
  await until(async () => (await waiting("A")) === 0);
  expect(delivered.upTo(userId, "A")).toBe(second);
});

test("what was noted is deleted at the stop", async () => {
  const upTo = await put("A", 2);
  delivered.note({ userId, deviceId: "A", upTo });
  await delivered.stop();
  expect(await waiting("A")).toBe(0);
});

test("while the database is away nothing is lost: the next sync deletes it", async () => {
  const upTo = await put("A", 2);
  isAway = true;
  delivered.note({ userId, deviceId: "A", upTo });
  await pass();
  await until(() => statements === 1);
  isAway = false;
  delivered.note({ userId, deviceId: "A", upTo });
  await pass();
  await until(async () => (await waiting("A")) === 0);
});
