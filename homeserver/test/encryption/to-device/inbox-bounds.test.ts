/** What waits for devices stays within bounds, and ends with them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { inboxBounds } from "../../../src/encryption/to-device/inbox-bounds.ts";
import { outboxBounds } from "../../../src/encryption/to-device/outbox-bounds.ts";
import { createFollower, type Follower } from "../../../src/log/follow.ts";
import { systemClock } from "../../../src/platform/clock.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { createMetrics } from "../../../src/platform/metrics.ts";
import { forgetOldTransactions } from "../../../src/storage/users/to-device-bounds.ts";
import { messagesFor } from "../../../src/storage/users/to-device.ts";
import { type TestLog, openLog } from "../../log/support.ts";
import { freshDatabase, type TestDatabase } from "../../support/database.ts";
import { until } from "../../support/wait.ts";

const KIB = 1024;
const LIMIT = 400 * KIB;
const user = "@alice:here.example";
let database: TestDatabase;
let one: TestLog;
let follower: Follower;
const metrics = createMetrics();

beforeAll(async () => {
  database = await freshDatabase();
  one = await openLog(database.location);
  follow();
});

afterAll(async () => {
  await follower.stop();
  await one.stop();
  await database.close();
});

let count = 0;
let deviceId: string;
beforeEach(async () => {
  deviceId = `D${++count}`;
  await database.sql`
    INSERT INTO devices (user_id, device_id, created_ts) VALUES (${user}, ${deviceId}, 0)`;
});

function follow(of = metrics) {
  const deps = { log: one.log, sql: one.sql, clock: systemClock, logger: silentLogger() };
  follower = createFollower(deps, inboxBounds({ ...deps, metrics: of, bytes: LIMIT }));
}

interface Sent {
  readonly type?: string;
  readonly sender?: string;
  readonly kib?: number;
}

/** Puts messages into the inbox; each says how many came before it. */
async function put(messages: readonly Sent[], to = deviceId) {
  for (let at = 0; at < messages.length; at += 50) {
    const records = messages
      .slice(at, at + 50)
      .map(({ type = "m.room.encrypted", sender = "@bob:there.example", kib = 3 }, index) => ({
        ...({ kind: "to_device", userId: user, deviceId: to } as const),
        message: JSON.stringify({
          sender,
          type,
          content: { n: at + index, x: "x".repeat(kib * KIB) },
        }),
      }));
    await one.log.append({ records });
  }
  await follower.caughtUp();
}

async function waiting(of = deviceId): Promise<{ type: string; sender: string; n: number }[]> {
  const which = { userId: user, deviceId: of, after: 0, upTo: 1e9, limit: 10_000 };
  return (await messagesFor(one.sql, which)).map(({ message }) => {
    const { type, sender, content } = JSON.parse(message);
    return { type, sender, n: content.n };
  });
}

const many = (length: number, sent: Sent = {}) => Array.from({ length }, () => sent);

test("an inbox within the limit is left alone", async () => {
  await put(many(95));
  expect(await waiting()).toHaveLength(95);
});

test("of an inbox that is too full the oldest goes, and a counter says how much", async () => {
  const before = await dropped();
  await put(many(300));
  const left = await waiting();
  // It is looked at after a hundred messages.
  expect(left.length).toBeLessThan(200);
  expect(left.at(-1)?.n).toBe(299);
  expect(left.map(({ n }) => n)).toEqual(left.map((_, index) => 300 - left.length + index));
  expect((await dropped()) - before).toBe(300 - left.length);
});

async function dropped(): Promise<number> {
  const text = await metrics.text();
  return Number(/^weft_to_device_messages_dropped_total (\d+)/m.exec(text)?.[1] ?? 0);
}

test("what is worth nothing after a while goes before what brings keys, however old", async () => {
  await put([
    ...many(60, { type: "m.room.encrypted" }),
    ...many(60, { type: "m.room_key_request" }),
    ...many(30, { type: "m.key.verification.start" }),
    ...many(50, { type: "m.dummy" }),
  ]);
  const left = await waiting();
  const of = (type: string) => left.filter((message) => message.type === type).length;
  expect(of("m.room.encrypted")).toBe(60);
  expect(of("m.room_key_request")).toBe(0);
  expect(left.at(-1)?.type).toBe("m.dummy");
});

test("whoever sends most loses first: nobody can push out what others sent", async () => {
  await put([
    ...many(20, { sender: `@"quoted\\:there.example` }),
    ...many(300, { sender: "@mallory:evil.example" }),
  ]);
  const left = await waiting();
  expect(left.filter(({ sender }) => !sender.includes("mallory"))).toHaveLength(20);
  expect(left.length).toBeLessThan(200);
});

test("the inbox of a device goes with the device, and is not there for the next of its name", async () => {
  await put(many(3));
  await one.log.change(async ({ tx, record }) => {
    await tx`DELETE FROM devices WHERE device_id = ${deviceId}`;
    record({ kind: "device_list", userId: user, deviceId, isRemoved: true });
    await tx`INSERT INTO devices (user_id, device_id, created_ts) VALUES (${user}, ${deviceId}, 0)`;
  });
  await put(many(1));
  expect(await waiting()).toEqual([expect.objectContaining({ n: 0 })]);
});

test("what was sent to a device while it ended goes, too, at once or after a restart", async () => {
  await database.sql`DELETE FROM devices WHERE device_id = ${deviceId}`;
  await put(many(2));
  await until(async () => (await waiting()).length === 0);
  await follower.stop();
  await one.log.append({
    records: [{ kind: "to_device", userId: user, deviceId, message: '{"content":{}}' }],
  });
  // A follower whose cursor was ahead of that.
  await database.sql`UPDATE cursors SET position = ${one.log.position}`;
  follow(createMetrics());
  await until(async () => (await waiting()).length === 0);
});

test("what waits for other servers is bounded, and whoever sends most loses first", async () => {
  const deps = { log: one.log, sql: one.sql, clock: systemClock, logger: silentLogger() };
  const told = createMetrics();
  const outbox = createFollower(deps, outboxBounds({ ...deps, metrics: told, bytes: LIMIT }));
  const message = (sender: string, n: number) => ({
    ...({ kind: "to_device_outbound", server: `s${n % 3}.example` } as const),
    content: JSON.stringify({ sender, type: "t", n, x: "x".repeat(3 * KIB) }),
  });
  const good = Array.from({ length: 10 }, (_, n) => message("@bob:here.example", n));
  const flood = Array.from({ length: 200 }, (_, n) => message("@mallory:here.example", n));
  await one.log.append({ records: [...good, ...flood] });
  await outbox.caughtUp();
  await outbox.stop();
  const rows = await database.sql<{ content: string }[]>`
    SELECT content FROM to_device_outbound ORDER BY position`;
  const left = rows.map(({ content }) => JSON.parse(content));
  expect(left.filter(({ sender }) => sender.includes("bob"))).toHaveLength(10);
  expect(left.length).toBeLessThan(100);
  expect(left.at(-1).n).toBe(199);
  expect(await told.text()).toContain(`weft_to_device_outbound_dropped_total ${210 - left.length}`);
});

test("old requests and EDUs are forgotten, and the newest are kept up to a number", async () => {
  const { sql } = database;
  await sql`TRUNCATE client_transactions`;
  await sql`
    INSERT INTO client_transactions (user_id, device_id, scope, txn_id, event_id, created_ts)
    SELECT 'u', 'd', 's', 't' || n, CASE WHEN n % 2 = 0 THEN '' ELSE '$event' END, n
    FROM generate_series(1, 100) AS n`;
  const left = async () =>
    (
      await sql<{ ts: number }[]>`
      SELECT created_ts AS ts FROM client_transactions WHERE event_id = '' ORDER BY ts`
    ).map(({ ts }) => ts);
  await forgetOldTransactions(sql, { before: 51, kept: 1_000, limit: 10 });
  expect(await left()).toEqual(Array.from({ length: 40 }, (_, n) => 22 + 2 * n));
  await forgetOldTransactions(sql, { before: 51, kept: 1_000, limit: 1_000 });
  expect(await left()).toEqual(Array.from({ length: 25 }, (_, n) => 52 + 2 * n));
  await forgetOldTransactions(sql, { before: 0, kept: 5, limit: 1_000 });
  expect((await left()).length).toBeLessThanOrEqual(6);
  const [events] = await sql<{ count: number }[]>`
    SELECT count(*) FROM client_transactions WHERE event_id = '$event'`;
  expect(events?.count).toBe(50);
});
