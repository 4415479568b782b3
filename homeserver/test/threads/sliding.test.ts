/** Sliding sync tells which threads the user follows. (MSC4308.) */
import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { hasRedis, startRedis } from "../support/redis.ts";
import { type Body, type TestUser, userOf } from "../support/user.ts";
import { ask as sliding, Connection } from "../sync/sliding/connection.ts";
import { reply, scene, subscriptionPath, unstable } from "./scene.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const NAME = "io.element.msc4308.thread_subscriptions";
const wanting = (more: object = {}) => ({ extensions: { [NAME]: { enabled: true, ...more } } });
const open = (user: TestUser, more: object = {}) =>
  new Connection(server.baseUrl, user, wanting(more));
const told = (answer: Body): Body => answer.extensions[NAME];
const page = (user: TestUser, query: Record<string, string>) =>
  unstable(
    server,
    user,
    "GET",
    `/io.element.msc4308/thread_subscriptions?${new URLSearchParams(query).toString()}`,
  );
const roots = (part: Body): string[] =>
  Object.values((part ?? {}) as Record<string, object>).flatMap((room) => Object.keys(room));

test("what is followed comes first of all, and then what changes", async () => {
  const { bob, ask, roomId, root, first } = await scene(server);
  await ask("PUT", { automatic: first });
  const connection = open(bob);
  const begin = told(await connection.next());
  const stamp = begin.subscribed[roomId][root].bump_stamp;
  expect(begin).toEqual({
    subscribed: { [roomId]: { [root]: { automatic: true, bump_stamp: stamp } } },
  });
  expect(Number.isSafeInteger(stamp)).toBe(true);
  expect(told(await connection.next())).toBe(undefined);
  const waiting = connection.next({}, 20_000);
  await ask("DELETE");
  const ended = told(await waiting);
  const later = ended.unsubscribed[roomId][root].bump_stamp;
  expect(ended).toEqual({ unsubscribed: { [roomId]: { [root]: { bump_stamp: later } } } });
  expect(later).toBeGreaterThan(stamp);
  await ask("PUT", {});
  // An answer that was lost is given again.
  const lost = told(await connection.peek());
  expect(lost.subscribed[roomId][root].automatic).toBe(false);
  expect(told(await connection.next())).toEqual(lost);
});

test("nothing comes to who did not ask, and all of it once they do", async () => {
  const { bob, ask, roomId, root } = await scene(server);
  const connection = new Connection(server.baseUrl, bob, {});
  await connection.next();
  await ask("PUT", {});
  expect((await connection.next()).extensions).toEqual({});
  expect(roots(told(await connection.next(wanting())).subscribed)).toEqual([root]);
  expect(told(await connection.next(wanting()))).toBe(undefined);
  expect(roomId).toBeTruthy();
});

test("what does not fit is read backwards, up to what the client had", async () => {
  const { alice, bob, ask, roomId } = await scene(server);
  const threads: string[] = [];
  for (let n = 0; n < 9; n += 1) threads.push(await alice.send(roomId, `thread ${n}`));
  const connection = open(bob, { limit: 2 });
  for (const root of threads.slice(0, 2)) await ask("PUT", {}, root);
  const begin = told(await connection.next());
  expect(roots(begin.subscribed).toSorted()).toEqual(threads.slice(0, 2).toSorted());
  expect(begin.prev_batch).toBe(undefined);
  const to = connection.pos!;
  for (const root of threads.slice(2)) await ask("PUT", {}, root);
  await ask("DELETE", undefined, threads[3]);
  const news = told(await connection.next());
  expect(roots(news.subscribed)).toEqual([threads[8]]);
  expect(roots(news.unsubscribed)).toEqual([threads[3]]);
  const seen: string[] = [];
  let from: string | undefined = news.prev_batch;
  for (let pages = 0; from !== undefined; pages += 1) {
    expect(pages).toBeLessThan(4);
    const { status, body } = await page(bob, { dir: "b", limit: "2", from, to });
    expect(status).toBe(200);
    expect(createValidators().response("getThreadSubscriptions", 200, body)).toEqual([]);
    seen.push(...roots(body.subscribed));
    expect(body.unsubscribed).toBe(undefined);
    from = body.end;
  }
  expect(seen.toSorted()).toEqual([2, 4, 5, 6, 7].map((at) => threads[at]!).toSorted());
});

test("from the end, all of it can be read, and in pages", async () => {
  const { alice, bob, ask, roomId } = await scene(server);
  const threads: string[] = [];
  for (let n = 0; n < 3; n += 1) threads.push(await alice.send(roomId, `thread ${n}`));
  for (const root of threads) await ask("PUT", {}, root);
  await ask("DELETE", undefined, threads[0]);
  const all = await page(bob, { dir: "b" });
  expect(roots(all.body.subscribed).toSorted()).toEqual(threads.slice(1).toSorted());
  expect(roots(all.body.unsubscribed)).toEqual([threads[0]]);
  expect(all.body.end).toBe(undefined);
  const one = await page(bob, { dir: "b", limit: "1" });
  expect(roots(one.body.unsubscribed)).toEqual([threads[0]]);
  expect(one.body.end).toEqual(expect.any(String));
  for (const query of [
    {},
    { dir: "f" },
    { dir: "b", from: "x" },
    { dir: "b", to: "x" },
    { dir: "b", limit: "0" },
  ]) {
    const { status, body } = await page(bob, query as Record<string, string>);
    expect([status, ["M_INVALID_PARAM", "M_MISSING_PARAM"].includes(body.errcode)]).toEqual([
      400,
      true,
    ]);
  }
});

test.skipIf(!hasRedis)(
  "replicas are of one mind: who follows is told everywhere, and who ceased stays so",
  { timeout: 120_000 },
  async () => {
    const redis = await startRedis();
    const one = await startServer({ redisUrl: `redis+unix://${redis.path}` });
    const two = await one.replica();
    const { alice, bob, roomId, root, first } = await scene(one);
    const path = subscriptionPath(roomId, root);
    const there = userOf(two, {
      user_id: bob.userId,
      access_token: bob.token,
      device_id: bob.deviceId,
    });
    const connection = new Connection(two.baseUrl, bob, wanting());
    await connection.next();
    const waiting = connection.next({}, 20_000);
    expect((await unstable(one, bob, "PUT", path, { automatic: first })).status).toBe(200);
    expect(roots(told(await waiting).subscribed)).toEqual([root]);
    // Both at once, and again: either may be first, and both say the same then.
    for (let n = 0; n < 10; n += 1) {
      const cause = await reply(alice, roomId, root, `cause ${n}`);
      const [, automatic] = await Promise.all([
        unstable(two, there, "DELETE", path),
        unstable(one, bob, "PUT", path, { automatic: cause }),
      ]);
      expect([200, 409]).toContain(automatic.status);
      const again = await unstable(one, bob, "PUT", path, { automatic: cause });
      const [here, elsewhere] = await Promise.all([
        unstable(one, bob, "GET", path),
        unstable(two, there, "GET", path),
      ]);
      expect(here).toEqual(elsewhere);
      expect(here.status === 200).toBe(again.status === 200);
      await unstable(two, there, "DELETE", path);
      expect((await unstable(one, bob, "PUT", path, { automatic: cause })).status).toBe(409);
    }
    const answer = await sliding(two.baseUrl, bob, wanting());
    expect(roots(answer.body.extensions[NAME].unsubscribed)).toEqual([root]);
    await two.stop();
    await one.close();
    await redis.stop();
  },
);
