import { afterAll, beforeAll, expect, test } from "vitest";
import type { LogRecord } from "../../src/log/types.ts";
import { appendGroup, connectWriter } from "../../src/storage/append/append.ts";
import { freshDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { hear, EVERYTHING, command, freshNid, makeRoom, onlyEvent, openLog } from "./support.ts";
import type { TestLog } from "./support.ts";

let database: TestDatabase;
let one: TestLog;

beforeAll(async () => {
  database = await freshDatabase();
  one = await openLog(database.location);
});
afterAll(async () => {
  await one.stop();
  await database.close();
});

test("trying a group again whose answer was lost finds it committed and writes nothing twice", async () => {
  const writer = connectWriter(database.location);
  const [room, other] = [await makeRoom(one.sql, "lost"), await makeRoom(one.sql, "other")];
  const txn = { userId: "@a:b", deviceId: "D", scope: "s", txnId: "1" };
  const group = [command(room), command(room), command(other)].map((append, i) => ({
    ...append,
    ...(i === 0 ? { transaction: { ...txn, eventId: onlyEvent(append).event.eventId } } : {}),
  }));
  const first = await appendGroup(writer, group);
  const second = await appendGroup(writer, [...group, command(other)]);
  expect(second.outcomes.map((outcome) => outcome.committed)).toEqual([true, true, true, false]);
  group.forEach((append, i) => {
    const { nid } = onlyEvent(append);
    expect(second.outcomes[i]).toMatchObject({ committed: true, earlier: true });
    expect(positionOf(second.outcomes[i], nid)).toBe(positionOf(first.outcomes[i], nid));
  });
  const rows = await one.sql`SELECT 1 FROM events WHERE room_nid = ${room.nid}`;
  expect(rows).toHaveLength(2);
  await writer.end();
});

const positionOf = (outcome: unknown, nid: number) =>
  (outcome as { positions: Map<number, number> }).positions.get(nid);

test("while the writer's connection is cut again and again, every append is committed and told once", async () => {
  const told: LogRecord[] = [];
  const stop = hear(one.log, (records) => told.push(...records));
  const rooms = await Promise.all([1, 2, 3, 4, 5].map((n) => makeRoom(one.sql, `cut-${n}`)));
  const cut = () => one.sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'weft log' AND datname = current_database()`;
  const nids: number[] = [];
  await Promise.all(
    rooms.map(async (room) => {
      for (let n = 0; n < 60; n += 1) {
        const append = command(room);
        await one.log.append(append);
        nids.push(onlyEvent(append).nid);
        if (nids.length % 25 === 0) await cut();
      }
    }),
  );
  stop();
  const [row] = await one.sql<{ found: number }[]>`
    SELECT count(*) AS found FROM events WHERE event_nid = ANY (${nids}::bigint[])`;
  expect(row?.found).toBe(300);
  const own = new Set(rooms.map((room) => room.nid));
  const seen = told.flatMap((record) =>
    record.kind === "event" && own.has(record.roomNid) ? [record.eventNid] : [],
  );
  expect(new Set(seen)).toEqual(new Set(nids));
  expect(seen).toHaveLength(nids.length);
});

test("memory holds a bounded part of the log, and the tables the rest", async () => {
  const start = one.log.position;
  const room = await makeRoom(one.sql, "long");
  const content = { body: "x".repeat(60_000) };
  for (let n = 0; n < 6; n += 1) {
    await Promise.all(
      Array.from({ length: 25 }, () => {
        const append = command(room);
        const event = onlyEvent(append);
        append.events = [{ ...event, nid: freshNid(), event: big(event.event, content) }];
        return one.log.append(append);
      }),
    );
  }
  const all = await one.log.read(start, 1_000, EVERYTHING);
  expect(all).toHaveLength(150);
  const late = await one.log.read(one.log.position - 5, 1_000, EVERYTHING);
  expect(late).toHaveLength(5);
  expect(late.map(({ position }) => position)).toEqual(
    all.slice(-5).map(({ position }) => position),
  );
});

type Event = ReturnType<typeof onlyEvent>["event"];
function big(event: Event, content: { body: string }): Event {
  const json = JSON.stringify({ ...event.pdu, content });
  return Object.assign(Object.create(Object.getPrototypeOf(event)) as object, event, {
    content,
    json: () => json,
  }) as Event;
}
