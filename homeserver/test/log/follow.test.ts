import { afterAll, beforeAll, expect, test } from "vitest";
import { createFollower } from "../../src/log/follow.ts";
import type { FollowerOptions } from "../../src/log/follow.ts";
import type { Log, RecordKind } from "../../src/log/types.ts";
import { createMemoryWake } from "../../src/log/wake.ts";
import { createManualClock, systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { createLeases } from "../../src/storage/leases.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { command, EVERYTHING, makeRoom, openLog } from "./support.ts";
import type { TestLog, TestRoom } from "./support.ts";
import { nextTurn, until } from "../support/wait.ts";

let database: TestDatabase;
let one: TestLog;
let room: TestRoom;

beforeAll(async () => {
  database = await freshDatabase();
  one = await openLog(database.location);
  room = await makeRoom(one.sql, "followed");
});
afterAll(async () => {
  await one.stop();
  await database.close();
});

const follow = (test: TestLog, options: FollowerOptions<RecordKind>) =>
  createFollower(
    { log: test.log, sql: test.sql, clock: systemClock, logger: silentLogger() },
    options,
  );

async function append(count: number): Promise<number[]> {
  const all = await Promise.all(Array.from({ length: count }, () => one.log.append(command(room))));
  return all.flatMap(({ positions }) => [...positions.values()]);
}

test("a follower gets every record once and reads on from its cursor after a restart", async () => {
  const before = await append(3);
  const seen: number[] = [];
  const options: FollowerOptions<RecordKind> = {
    name: "restarted",
    kinds: EVERYTHING,
    from: "beginning",
    batch: 2,
    handle: async (records) => void seen.push(...records.map(({ position }) => position)),
  };
  const first = follow(one, options);
  await first.caughtUp();
  const live = await append(2);
  await first.caughtUp();
  await first.stop();
  const meanwhile = await append(5);
  const second = follow(one, options);
  await second.caughtUp();
  await second.stop();
  expect(seen).toEqual([...before, ...live, ...meanwhile]);
});

test("a new follower may begin at the end", async () => {
  const seen: number[] = [];
  const follower = follow(one, {
    name: "newcomer",
    kinds: EVERYTHING,
    from: "end",
    handle: async (records) => void seen.push(...records.map(({ position }) => position)),
  });
  await follower.caughtUp();
  const after = await append(1);
  await follower.caughtUp();
  await follower.stop();
  expect(seen).toEqual(after);
});

test("what failed is handled again, and nothing is skipped", async () => {
  const seen: number[][] = [];
  let failures = 1;
  const follower = follow(one, {
    name: "stumbling",
    kinds: EVERYTHING,
    from: "end",
    handle: async (records) => {
      seen.push(records.map(({ position }) => position));
      if (failures-- > 0) throw new Error("stumbled");
    },
  });
  await follower.caughtUp();
  const [position] = await append(1);
  await follower.caughtUp();
  await follower.stop();
  expect(seen).toEqual([[position], [position]]);
});

test("with calls beside one another the cursor moves over completed prefixes only", async () => {
  const release: (() => void)[] = [];
  const follower = follow(one, {
    name: "parallel",
    kinds: EVERYTHING,
    from: "end",
    batch: 1,
    concurrency: 3,
    handle: () => new Promise((resolve) => void release.push(resolve)),
  });
  await follower.caughtUp();
  const start = follower.position;
  const positions = await append(3);
  await until(() => release.length === 3);
  release[1]?.();
  release[2]?.();
  await nextTurn();
  expect(follower.position).toBe(start);
  release[0]?.();
  await until(() => follower.position === positions[2]);
  await follower.stop();
});

test("of two replicas one follows; when it stops or loses its connection, following goes on", async () => {
  const wake = createMemoryWake({ shared: true });
  const replicas = await Promise.all([1, 2].map(() => openLog(database.location, wake)));
  const seen: { by: number; position: number }[] = [];
  const parts = replicas.map((replica, by) => {
    const sql = database.connect({ max: 1, applicationName: "seats" });
    const leases = createLeases({ sql, clock: systemClock });
    const { log } = replica;
    const deps = { log, sql: replica.sql, clock: systemClock, logger: silentLogger(), leases };
    const follower = createFollower(deps, {
      name: "exclusive",
      kinds: EVERYTHING,
      from: "beginning",
      handle: async (records) => {
        for (const { position } of records) seen.push({ by, position });
      },
    });
    return { follower, seats: leases };
  });
  const seenAt = (position: number | undefined) =>
    seen.filter((item) => item.position === position);
  const [first] = await append(1);
  await until(() => seenAt(first).length > 0);
  expect(seenAt(first)).toHaveLength(1);

  await one.sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seats'`;
  const [second] = await append(1);
  await until(() => seenAt(second).length > 0);

  const holder = parts[seenAt(second)[0]?.by as number];
  await holder?.follower.stop();
  const [third] = await append(1);
  await until(() => seenAt(third).length > 0);
  for (const { follower, seats: leases } of parts) {
    await follower.stop();
    await leases.close();
  }
  await Promise.all(replicas.map((replica) => replica.stop()));
});

test("a follower is woken by its own kinds alone, and its cursor follows the others", async () => {
  const clock = createManualClock();
  const handled: number[] = [];
  let reads = 0;
  const log: Log = {
    ...one.log,
    get position() {
      return one.log.position;
    },
    read(after, limit, kinds) {
      reads += 1;
      return one.log.read(after, limit, kinds);
    },
  };
  const follower = createFollower(
    { log, sql: one.sql, clock, logger: silentLogger() },
    {
      name: "particular",
      kinds: ["session"],
      from: "end",
      handle: async (records) => void handled.push(records.length),
    },
  );
  await follower.caughtUp();
  const start = follower.position;
  reads = 0;
  await append(20);
  expect([reads, follower.position]).toEqual([0, start]);
  // Its clock stands still until here: a second later it looks how far the log is.
  clock.advance(1_000);
  await until(() => follower.position === one.log.position);
  expect([reads, handled]).toEqual([1, []]);
  await one.log.append({ records: [{ kind: "session", userId: "@a:here.example" }] });
  await until(() => handled.length === 1);
  await follower.stop();
});

test("records are gathered for a while, unless somebody waits for them", async () => {
  const clock = createManualClock();
  const handled: number[] = [];
  const follower = createFollower(
    { log: one.log, sql: one.sql, clock, logger: silentLogger() },
    {
      name: "gathering",
      kinds: ["session"],
      from: "end",
      gatherMs: 1_000,
      handle: async (records) => void handled.push(records.length),
    },
  );
  const session = { kind: "session", userId: "@b:here.example" } as const;
  await follower.caughtUp();
  for (let i = 0; i < 3; i += 1) await one.log.append({ records: [session] });
  clock.advance(999);
  await nextTurn();
  expect(handled).toEqual([]);
  clock.advance(1);
  await until(() => handled.length === 1);
  await one.log.append({ records: [session] });
  await follower.caughtUp();
  expect(handled).toEqual([3, 1]);
  await follower.stop();
});
