/** Clients that were away for long: whom they shared rooms with is not known for ever. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../src/platform/clock.ts";
import type { Actor } from "../../src/rooms/index.ts";
import { createWorld, type TestServer, type World } from "../rooms/support/world.ts";
import { until } from "../support/wait.ts";
import { syncOn } from "./support.ts";

const HOUR = 3_600_000;
const clock = createManualClock();
let world: World;
let server: TestServer;
let on: ReturnType<typeof syncOn>;

beforeAll(async () => {
  world = createWorld();
  server = await world.server("here.test", { clock });
  on = syncHere();
});
afterAll(async () => {
  await stop();
  await world.close();
});

const syncHere = () => {
  const { log, rooms, db, name } = server;
  return syncOn({ log, rooms, sql: db.sql, serverName: name });
};

async function stop(): Promise<void> {
  on.sync.stop();
  await on.ephemeral.stop();
}

/** Lets hours go by until something is so. */
const hoursUntil = (holds: () => Promise<boolean>) =>
  until(async () => {
    if (await holds()) return true;
    clock.advance(HOUR);
    return false;
  });

async function pastStays(): Promise<string[]> {
  const rows = await server.db.sql<{ id: string }[]>`
    SELECT user_id AS id FROM past_stays ORDER BY user_id`;
  return rows.map(({ id }) => id);
}

test("who left is known for sixty days; after more, everybody is asked for anew", async () => {
  const [alice, bob, carol, dan] = ["alice", "bob", "carol", "dan"].map((name) =>
    server.user(name),
  ) as [Actor, Actor, Actor, Actor];
  const { create, members } = server.rooms;
  const { sql } = server.db;
  const roomId = await create.room(alice, { preset: "public_chat" });
  for (const by of [bob, carol, dan]) await members.join({ by, room: roomId });
  const { next_batch: long } = await on.user("alice").sync();
  await members.leave({ by: bob, roomId });
  await hoursUntil(async () => (await sql`SELECT FROM log_days`).length > 0);
  const { next_batch: late } = await on.user("alice").sync();
  await members.leave({ by: dan, roomId });
  expect(await on.user("alice").sync(long)).toMatchObject({
    device_lists: { changed: [], left: [bob.userId, dan.userId] },
  });
  clock.advance(61 * 24 * HOUR);
  await hoursUntil(async () => (await pastStays()).length < 2);
  expect(await pastStays()).toEqual([dan.userId]);
  await stop();
  on = syncHere();
  // Whoever left before is not known any more: no harm, since who comes back is told of.
  expect(await on.user("alice").sync(long)).toMatchObject({
    device_lists: { changed: [alice.userId, carol.userId], left: [dan.userId] },
  });
  const { next_batch: now } = await on.user("alice").sync(late);
  const between = (from: string, to: string) => on.sync.deviceListChanges(alice.userId, from, to);
  expect(await between(late, now)).toEqual({ changed: [], left: [dan.userId] });
  expect(await between(long, late)).toEqual({
    ...{ changed: [alice.userId, carol.userId, dan.userId], left: [] },
  });
});

test("after a long time changes are looked for among those who share a room", async () => {
  const [gina, erin, frank] = ["gina", "erin", "frank"].map((name) => server.user(name)) as [
    Actor,
    Actor,
    Actor,
  ];
  const { create, members } = server.rooms;
  const { sql } = server.db;
  const roomId = await create.room(gina, { preset: "public_chat" });
  for (const by of [erin, frank]) await members.join({ by, room: roomId });
  const { next_batch: since } = await on.user("gina").sync();
  for (const { userId } of [erin, gina, server.user("stranger")]) {
    await server.log.append({
      records: [{ kind: "device_list", userId, deviceId: "D", isRemoved: false }],
    });
  }
  await sql`UPDATE log_head SET position = position + 30000`;
  await members.leave({ by: frank, roomId });
  await stop();
  on = syncHere();
  expect((await on.user("gina").sync(since)).device_lists).toEqual({
    changed: [erin.userId, gina.userId].toSorted(),
    left: [frank.userId],
  });
});
