/** Rates of single users, on two replicas: over the wire. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

let redis: TestRedis | undefined;
let server: TestServer;
let other: { readonly baseUrl: string; stop(): Promise<void> } | undefined;
let root: TestUser;

beforeAll(async () => {
  redis = hasRedis ? await startRedis() : undefined;
  server = await startServer({ rateLimits: true, ...(redis && { redisUrl: redis.path }) });
  other = redis && (await server.replica());
  root = await register(server, "root");
  await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${root.userId}`;
}, 60_000);
afterAll(async () => {
  await other?.stop();
  await server.close();
  await redis?.stop();
});

async function rate(method: string, userId: string, body?: object) {
  const user = encodeURIComponent(userId);
  const url = `${server.baseUrl}/_synapse/admin/v1/users/${user}/override_ratelimit`;
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${root.token}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

/** A user in a room, on both replicas. */
async function talker(name: string) {
  const user = await register(server, name);
  const roomId = (await user.call("POST", "/createRoom", {})).room_id;
  const session = { user_id: user.userId, access_token: user.token, device_id: user.deviceId };
  return { user, roomId, there: other ? userOf(other, session) : user };
}

let sent = 0;
/** The statuses of so many messages. */
async function statuses(user: TestUser, roomId: string, count: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/r${++sent}`;
    const { status } = await user.ask("PUT", path, { msgtype: "m.text", body: "x" });
    all.push(status);
  }
  return all;
}

describe("the rate of a user's own", () => {
  test("is seen, set and taken away", async () => {
    const { user } = await talker("one");
    expect(await rate("GET", user.userId)).toEqual({ status: 200, body: {} });
    const wish = { messages_per_second: 3, burst_count: 7 };
    expect(await rate("POST", user.userId, wish)).toEqual({ status: 200, body: wish });
    expect((await rate("GET", user.userId)).body).toEqual(wish);
    expect((await rate("POST", user.userId)).body).toEqual({
      ...{ messages_per_second: 0, burst_count: 0 },
    });
    expect(await rate("DELETE", user.userId)).toEqual({ status: 200, body: {} });
    expect((await rate("GET", user.userId)).body).toEqual({});
  });

  test("holds at once, on every replica, and everybody's again afterwards", async () => {
    const { user, roomId, there } = await talker("two");
    expect(await statuses(user, roomId, 3)).toEqual([200, 200, 200]);
    expect(await statuses(there, roomId, 3)).toEqual([200, 200, 200]);
    // One in a long time: the bucket of before holds one at most from now on.
    await rate("POST", user.userId, { messages_per_second: 1, burst_count: 1 });
    const few = [...(await statuses(user, roomId, 15)), ...(await statuses(there, roomId, 15))];
    expect(few).toContain(429);
    await rate("POST", user.userId, { messages_per_second: 0, burst_count: 0 });
    const many = [...(await statuses(there, roomId, 80)), ...(await statuses(user, roomId, 80))];
    expect(new Set(many)).toEqual(new Set([200]));
  });

  test("is nobody else's", async () => {
    const [{ user }, bob] = [await talker("three"), await talker("four")];
    await rate("POST", user.userId, { messages_per_second: 1, burst_count: 1 });
    expect(await statuses(bob.user, bob.roomId, 10)).not.toContain(429);
  });

  test.each([
    [{ messages_per_second: -1 }],
    [{ messages_per_second: 1.5 }],
    [{ burst_count: "many" }],
    [{ burst_count: 2 ** 31 }],
  ])("is not %j", async (wish) => {
    const answer = await rate("POST", root.userId, wish);
    expect([answer.status, answer.body.errcode]).toEqual([400, "M_BAD_JSON"]);
  });

  test.each([
    ["of another server", "@x:elsewhere.test", 400, "M_INVALID_PARAM"],
    ["who is not there", "@nobody:{server}", 404, "M_NOT_FOUND"],
  ])("is none of a user %s", async (_who, given, status, errcode) => {
    const userId = given.replace("{server}", server.name);
    for (const method of ["GET", "POST", "DELETE"]) {
      const answer = await rate(method, userId, method === "POST" ? {} : undefined);
      expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    }
  });
});
