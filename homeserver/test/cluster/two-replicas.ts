/** Two replicas of one server over one Redis, and alice at both. */
import { afterAll, beforeAll, expect } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type Served, type TestUser, userOf } from "../support/user.ts";

const MATRIX = "/_matrix/client/v3";

let redis: TestRedis;
export let first: TestServer;
export let second: { readonly baseUrl: string; stop(): Promise<void> };
export let pair: Served[];
/** Alice at the one and at the other. */
export let alices: [TestUser, TestUser];
export let roomId: string;
/** Every answer of 500 and above. */
export const broken: string[] = [];

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await startRedis();
  first = await startServer({ redisUrl: `redis+unix://${redis.path}` });
  second = await first.replica();
  pair = [first, second];
  const alice = await register(first, "alice");
  alices = [watched(alice), watched(atOther(alice))];
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
}, 180_000);
afterAll(async () => {
  await second?.stop();
  await first?.close();
  await redis?.stop();
});

const sessionOf = ({ userId, token, deviceId }: TestUser) => ({
  ...{ user_id: userId, access_token: token, device_id: deviceId },
});
export const atOther = (user: TestUser) => userOf(second, sessionOf(user));

/** The same user, who notes what is broken. */
export function watched(user: TestUser): TestUser {
  return {
    ...user,
    async ask(method, path, body) {
      const answer = await user.ask(method, path, body);
      if (answer.status >= 500) broken.push(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer;
    },
  };
}

/** Does it so many times, by turns at the one and at the other, all at once. */
export function both<T>(
  count: number,
  deed: (user: TestUser, i: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => deed(alices[i % 2]!, i)));
}

/** Both replicas give the same answer. */
export async function agreed(path: string): Promise<Body> {
  const answers = await Promise.all(alices.map((alice) => alice.call("GET", path)));
  const [one, other] = answers.map(withoutAges);
  expect(other).toEqual(one);
  return one;
}

export const user = () => `/user/${encodeURIComponent(alices[0].userId)}`;
export const room = () => `/rooms/${encodeURIComponent(roomId)}`;

export async function post(server: Served, path: string, body: unknown) {
  const response = await fetch(`${server.baseUrl}${MATRIX}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  const answer = { status: response.status, body: (await response.json()) as Body };
  if (answer.status >= 500) broken.push(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** What two replicas must agree on: an event's age is that of the answer. */
function withoutAges(body: Body): Body {
  const text = JSON.stringify(body, (key, value: unknown) => (key === "age" ? undefined : value));
  return JSON.parse(text);
}
