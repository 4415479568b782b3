/** Delayed events while servers end, and on two replicas: each is sent once. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasRedis, startRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { delayedApi, raw, sentIn, UNSTABLE } from "./delayed-api.ts";

const COUNT = 60;
const numbers = Array.from({ length: COUNT }, (_, n) => n);

let close: (() => unknown)[];
beforeEach(() => {
  close = [];
});
afterEach(async () => {
  for (const end of close.reverse()) await end();
});

async function start(...options: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...options);
  close.push(() => server.close());
  return server;
}

async function newRoom(alice: TestUser): Promise<string> {
  return (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
}

/** Waits until all that was scheduled has come to an end, and answers what each was sent as. */
async function outcomes(server: TestServer): Promise<(string | null)[]> {
  await eventually("all are finalised", async () => {
    const [row] = await server.database.sql<{ waiting: number }[]>`
      SELECT count(*)::int AS waiting FROM delayed_events WHERE finalised_ts IS NULL`;
    return row!.waiting === 0;
  });
  const rows = await server.database.sql<{ eventId: string | null }[]>`
    SELECT event_id AS "eventId" FROM delayed_events ORDER BY due_ts, delay_id`;
  return rows.map(({ eventId }) => eventId);
}

async function expectEachOnce(server: TestServer, alice: TestUser, roomId: string): Promise<void> {
  const ended = await outcomes(server);
  const sent = await sentIn(alice, roomId);
  expect(sent.map(({ content }: Body) => content.n).toSorted((a, b) => a - b)).toEqual(numbers);
  expect(new Set(ended)).toEqual(new Set(sent.map((event: Body) => event.event_id)));
}

test("what was due while the server was away is sent at its next start, in order", async () => {
  const server = await start();
  const alice = await register(server, "alice");
  const roomId = await newRoom(alice);
  const api = delayedApi(server, alice);
  for (const n of numbers) await api.message(roomId, 86_000_000, { n });
  await server.stop();
  await server.database.sql`
    UPDATE delayed_events SET due_ts = due_ts - 87000000, since_ts = since_ts - 87000000`;
  await server.restart();
  await expectEachOnce(server, alice, roomId);
  const sent = await sentIn(alice, roomId);
  expect(sent.map(({ content }: Body) => content.n)).toEqual(numbers);
});

test(
  "a server that is killed amid delayed events sends each once",
  { timeout: 120_000 },
  async () => {
    const server = await start({}, { mortal: true });
    const alice = await register(server, "alice");
    const roomId = await newRoom(alice);
    const api = delayedApi(server, alice);
    await Promise.all(numbers.map((n) => api.message(roomId, 1_000 + 10 * n, { n })));
    const begun = async () => {
      const [row] = await server.database.sql<{ count: number }[]>`
        SELECT count(*)::int AS count FROM delayed_events WHERE event_id IS NOT NULL`;
      return row!.count;
    };
    for (const some of [1, 30]) {
      await eventually("some are sent", async () => (await begun()) >= some, { every: 0 });
      await server.kill();
      await server.restart();
    }
    await expectEachOnce(server, alice, roomId);
  },
);

test("an event whose sending was noted by nobody is not sent again", async () => {
  const server = await start();
  const alice = await register(server, "alice");
  const bob = await register(server, "bob");
  const roomId = await newRoom(alice);
  await bob.call("POST", `/rooms/${encodeURIComponent(roomId)}/join`, {});
  const api = delayedApi(server, alice);
  const stateOf = (type: string, key: string) =>
    `/rooms/${encodeURIComponent(roomId)}/state/${type}/${encodeURIComponent(key)}`;
  const ids: string[] = [];
  const schedule = async (answer: Promise<{ body: Body }>) =>
    ids.push((await answer).body.delay_id);
  const delay_ms = 80_000_000;
  const content = { membership: "leave", reason: "later" };
  await schedule(api.message(roomId, delay_ms, { n: 1 }));
  await schedule(api.state(roomId, delay_ms, "key", { n: "delayed" }));
  await schedule(
    api.schedule(roomId, { delay_ms, state_key: bob.userId, content }, "m.room.member"),
  );
  for (const id of ids) expect((await api.manage(id, "send")).status).toBe(200);
  const eventIds = await outcomes(server);
  // As if the process had ended before it could note that, and much happened before another looks.
  await alice.call("PUT", stateOf("org.example.test", "key"), { n: "newer" });
  await bob.call("POST", `/rooms/${encodeURIComponent(roomId)}/join`, {});
  await server.stop();
  await server.database.sql`
    UPDATE delayed_events SET finalised_ts = NULL, event_id = NULL, claimed_until = 1`;
  await server.restart();
  expect(new Set(await outcomes(server))).toEqual(new Set(eventIds));
  expect(await alice.call("GET", stateOf("org.example.test", "key"))).toEqual({ n: "newer" });
  expect(await alice.call("GET", stateOf("m.room.member", bob.userId))).toMatchObject({
    membership: "join",
  });
  expect(await sentIn(alice, roomId)).toHaveLength(3);
});

test("it is told as sent, although its user may send nothing any more when that is noted", async () => {
  const server = await start();
  const { sql } = server.database;
  const [alice, bob] = [await register(server, "alice"), await register(server, "bob")];
  const roomId = await newRoom(alice);
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  const ofBob = delayedApi(server, bob);
  for (const n of [1, 2]) {
    const { body } = await ofBob.message(roomId, 80_000_000, { n });
    if (n === 1) expect((await ofBob.manage(body.delay_id, "send")).status).toBe(200);
  }
  const eventId = (
    await sql<{ eventId: string }[]>`
    SELECT event_id AS "eventId" FROM delayed_events WHERE event_id IS NOT NULL`
  )[0]!.eventId;
  await server.stop();
  // As if the process had ended before it could note that.
  await sql`
    UPDATE delayed_events SET finalised_ts = NULL, event_id = NULL, claimed_until = 1, due_ts = 1`;
  await sql`UPDATE accounts SET locked_ts = 1 WHERE user_id = ${bob.userId}`;
  await server.restart();
  expect(new Set(await outcomes(server))).toEqual(new Set([eventId, null]));
  expect(await sentIn(alice, roomId)).toHaveLength(1);
});

test("while it is being sent, nobody can cancel or restart it; then it is told what became of it", async () => {
  const server = await start();
  const alice = await register(server, "alice");
  const roomId = await newRoom(alice);
  const api = delayedApi(server, alice);
  const { body } = await api.message(roomId, 80_000_000, { n: 1 });
  const { sql } = server.database;
  await sql`UPDATE delayed_events SET claimed_until = ${Date.now() + 1_500}`;
  const cancelling = api.manage(body.delay_id, "cancel");
  const sending = api.manage(body.delay_id, "send");
  await sql`UPDATE delayed_events SET due_ts = 1`;
  // Whoever claimed it has ended: the timer takes it up.
  expect((await sending).status).toBe(200);
  expect((await cancelling).status).toBe(409);
  expect(await sentIn(alice, roomId)).toHaveLength(1);
});

test.skipIf(!hasRedis)(
  "two replicas send each once, whichever scheduled it, and either manages it",
  { timeout: 120_000 },
  async () => {
    const redis = await startRedis();
    close.push(() => redis.stop());
    const server = await start({ redisUrl: `redis+unix://${redis.path}` });
    const second = await server.replica();
    close.push(() => second.stop());
    const alice = await register(server, "alice");
    const session = {
      user_id: alice.userId,
      access_token: alice.token,
      device_id: alice.deviceId,
    };
    const apis = [delayedApi(server, alice), delayedApi(second, userOf(second, session))];
    const roomId = await newRoom(alice);
    const ids = await Promise.all(
      numbers.map(async (n) => {
        const { body } = await apis[n % 2]!.message(roomId, 700, { n });
        return body.delay_id as string;
      }),
    );
    // Asked for at both while the timers of both take them.
    const asked = await Promise.all(
      ids.map((id, n) =>
        raw(n % 2 === 0 ? second : server, "POST", `${UNSTABLE}/delayed_events/${id}/send`),
      ),
    );
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]));
    await expectEachOnce(server, alice, roomId);
    const { body } = await apis[0]!.message(roomId, 80_000_000, { n: -1 });
    expect((await apis[1]!.manage(body.delay_id, "restart")).status).toBe(200);
    expect((await apis[1]!.manage(body.delay_id, "cancel")).status).toBe(200);
    expect((await apis[0]!.manage(body.delay_id, "restart")).status).toBe(409);
  },
);

test("the rate of a user's messages counts when they are sent, and those that are too many are refused", async () => {
  const server = await start({ rateLimits: true });
  const alice = await register(server, "alice");
  const roomId = await newRoom(alice);
  const due = Date.now() - 27_000;
  await server.database.sql`
    INSERT INTO delayed_events (delay_id, user_id, device_id, scope, room_id, type, content,
      is_limited, delay_ms, since_ts, due_ts)
    SELECT 'id' || i, ${alice.userId}, ${alice.deviceId}, '', ${roomId}, 'org.example.test', '{}',
      true, 1, ${due}, ${due} FROM generate_series(1, 100) AS i`;
  const ended = await eventually("all are finalised", async () => {
    const rows = await server.database.sql<{ errcode: string | null }[]>`
      SELECT error::json ->> 'errcode' AS errcode FROM delayed_events
      WHERE finalised_ts IS NOT NULL`;
    return rows.length === 100 ? rows : undefined;
  });
  const refused = ended.filter(({ errcode }) => errcode === "M_LIMIT_EXCEEDED");
  const sent = ended.filter(({ errcode }) => errcode === null);
  expect(refused.length).toBeGreaterThan(0);
  // A burst of sixty, and five a second until they are half a minute late.
  expect(sent.length).toBeGreaterThanOrEqual(60);
  expect(refused.length + sent.length).toBe(100);
}, 90_000);
