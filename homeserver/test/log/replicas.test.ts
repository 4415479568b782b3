import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StaleHead } from "../../src/log/types.ts";
import type { LogRecord, NewRecord } from "../../src/log/types.ts";
import { createMemoryWake } from "../../src/log/wake.ts";
import type { Wake } from "../../src/log/wake.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import {
  hear,
  EVERYTHING,
  command,
  live,
  makeEvent,
  makeRoom,
  onlyEvent,
  openLog,
} from "./support.ts";
import type { TestLog } from "./support.ts";
import { until } from "../support/wait.ts";

let database: TestDatabase;
let wake: Wake;
let replicas: TestLog[];

beforeAll(async () => {
  database = await freshDatabase();
  wake = createMemoryWake({ shared: true });
  replicas = await Promise.all([1, 2].map(() => openLog(database.location, wake)));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await database.close();
});

const [first, second] = [() => replicas[0] as TestLog, () => replicas[1] as TestLog];

describe("two replicas that write to one room", () => {
  test("of two commands on the same head one wins, and the loser's rows are not there", async () => {
    const room = await makeRoom(first().sql, "contested");
    await first().log.append(command(room));
    for (let round = 0; round < 30; round += 1) {
      const base = room.version;
      const commands = replicas.map(() => {
        room.version = base;
        return command(room);
      });
      const results = await Promise.allSettled(
        replicas.map((replica, i) => replica.log.append(commands[i]!)),
      );
      const winners = results.flatMap((result, i) => (result.status === "fulfilled" ? [i] : []));
      expect(winners).toHaveLength(1);
      const loser = results.find((result) => result.status === "rejected");
      expect((loser as PromiseRejectedResult).reason).toBeInstanceOf(StaleHead);
      room.version = commands[winners[0]!]!.head!.version;
      const found = await first().sql`
        SELECT event_nid AS nid FROM events
        WHERE event_nid = ANY (${commands.map((c) => onlyEvent(c).nid)}::bigint[])`;
      expect(found).toEqual([{ nid: onlyEvent(commands[winners[0]!]!).nid }]);
    }
  });

  test("both may create a room's head: one does", async () => {
    const room = await makeRoom(first().sql, "created-twice");
    const commands = replicas.map(() => {
      room.version = 0;
      return command(room);
    });
    const results = await Promise.allSettled(
      replicas.map((replica, i) => replica.log.append(commands[i]!)),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("a command built on one that failed never commits, even when another writer moved the head meanwhile", async () => {
    const room = await makeRoom(first().sql, "dependents");
    await first().log.append(command(room));
    const base = room.version;
    await second().log.append(command(room));
    room.version = base;
    const failing = command(room);
    const built = command(room);
    const results = await Promise.allSettled([
      first().log.append(failing),
      first().log.append(built),
    ]);
    expect(results.every(({ status }) => status === "rejected")).toBe(true);
    await expect(first().log.append(command(room))).rejects.toThrow(StaleHead);
  });

  test("the same event from both is stored once", async () => {
    const room = await makeRoom(first().sql, "same-event");
    for (let round = 0; round < 20; round += 1) {
      const event = makeEvent(room);
      const results = await Promise.allSettled(
        replicas.map((replica) =>
          replica.log.append({ events: [live(room, event, { timeline: "outlier" })] }),
        ),
      );
      expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const loser = results.find((result) => result.status === "rejected");
      expect((loser as PromiseRejectedResult).reason).toMatchObject({ name: "DuplicateEvent" });
    }
  });
});

test("every replica is told every record once, in order, whoever wrote it", async () => {
  const told = replicas.map((replica) => {
    const seen: LogRecord[] = [];
    const positions: number[] = [];
    const unhear = hear(replica.log, (records) => seen.push(...records));
    const unwatch = replica.log.onMove(() => positions.push(replica.log.position));
    const stop = () => [unhear, unwatch].forEach((end) => end());
    return { seen, positions, stop };
  });
  const rooms = await Promise.all(
    Array.from({ length: 20 }, (_, i) => makeRoom(first().sql, `told-${i}`)),
  );
  const start = Math.max(...replicas.map((replica) => replica.log.position));
  const written = await Promise.all(
    rooms.map(async (room, i) => {
      const replica = replicas[i % 2] as TestLog;
      const nids: number[] = [];
      for (let n = 0; n < 20; n += 1) {
        const append = command(room, n % 5 === 0 ? { records: [note(room.roomId, n)] } : {});
        const { position } = await replica.log.append(append);
        expect(replica.log.position).toBeGreaterThanOrEqual(position);
        nids.push(onlyEvent(append).nid);
      }
      return nids;
    }),
  );
  await until(() => replicas.every((r) => r.log.position === first().log.position));
  for (const { seen, positions, stop } of told) {
    stop();
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    const order = seen.map(({ position }) => position);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const nids = seen.flatMap((record) =>
      record.kind === "event" && record.position > start ? [record.eventNid] : [],
    );
    expect(new Set(nids).size).toBe(nids.length);
    expect(new Set(nids)).toEqual(new Set(written.flat()));
  }
  const own = told[0]?.seen.find((record) => record.kind === "event");
  const foreign = told[1]?.seen.find((record) => record.position === own?.position);
  expect(describeRecord(foreign)).toEqual(describeRecord(own));
});

const note = (user: string, n: number): NewRecord => ({
  kind: "account_data",
  userId: user,
  roomNid: null,
  type: "note",
  content: JSON.stringify({ n }),
});

const describeRecord = (record: LogRecord | undefined) =>
  record?.kind === "event"
    ? { ...record, event: record.event.json(), stateChanged: 0, mayLackMemberships: undefined }
    : record;

test("whoever sees a position sees everything below it, while both write", async () => {
  const rooms = await Promise.all(
    Array.from({ length: 10 }, (_, i) => makeRoom(first().sql, `gap-free-${i}`)),
  );
  const sql = database.connect({ max: 1 });
  let writing = true;
  const seen = new Map<number, number>();
  const reader = (async () => {
    while (writing) {
      const [row] = await sql<{ position: number; events: number }[]>`
        SELECT position, (SELECT count(*) FROM events WHERE events.position <= log_head.position) AS events
        FROM log_head`;
      const before = seen.get(row!.position);
      expect(before === undefined || before === row!.events).toBe(true);
      seen.set(row!.position, row!.events);
    }
  })();
  await Promise.all(
    rooms.map(async (room, i) => {
      for (let n = 0; n < 40; n += 1) await (replicas[i % 2] as TestLog).log.append(command(room));
    }),
  );
  writing = false;
  await reader;
  // Later writers can't have put anything at or below a position that was seen before.
  for (const [position, events] of seen) {
    const [row] = await sql<{ events: number }[]>`
      SELECT count(*) AS events FROM events WHERE position <= ${position}`;
    expect(row!.events).toBe(events);
  }
  expect(seen.size).toBeGreaterThan(5);
});

test("a log that was opened late reads what memory doesn't have from the tables", async () => {
  const start = first().log.position;
  const room = await makeRoom(first().sql, "late");
  const changes = Array.from({ length: 5 }, () => command(room));
  const last = changes.at(-1)!;
  last.memberships = [
    {
      ...{ roomNid: room.nid, roomId: room.roomId, userId: "@m:here.example", membership: "join" },
      ...{ eventNid: onlyEvent(last).nid, server: "here.example" },
    },
  ];
  for (const append of changes) await first().log.append(append);
  const late = await openLog(database.location);
  const expected = await first().log.read(start, 100, EVERYTHING);
  const found = await late.log.read(start, 100, EVERYTHING);
  expect(found.map(describeRecord)).toEqual(expected.map(describeRecord));
  expect(await late.log.read(start, 2, EVERYTHING)).toHaveLength(2);
  expect(await late.log.read(late.log.position, 2, EVERYTHING)).toEqual([]);
  await late.stop();
});
