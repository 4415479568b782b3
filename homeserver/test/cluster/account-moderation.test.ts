/** What is done to an account at one replica holds at the other with its next answer. */
import { expect, test } from "vitest";
import { hasRedis } from "../support/redis.ts";
import { type Body, register, type Served, type TestUser, userOf } from "../support/user.ts";
import { first, pair, second } from "./two-replicas.ts";

const LOCKED = [401, "M_USER_LOCKED"];
const SUSPENDED = [403, "M_USER_SUSPENDED"];
let people = 0;

const at = (server: Served, { userId, token, deviceId }: TestUser) =>
  userOf(server, { user_id: userId, access_token: token, device_id: deviceId });
const errcode = async (answer: Promise<{ status: number; body: Body }>) => {
  const { status, body } = await answer;
  return [status, body.errcode];
};

/** Somebody at both replicas, and an administrator who acts at the one or the other. */
async function scene() {
  people += 1;
  const [admin, user] = [
    await register(first, `admin${people}`),
    await register(first, `u${people}`),
  ];
  await first.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${admin.userId}`;
  const password = `admin${people}-Secret-1`;
  const identifier = { type: "m.id.user", user: admin.userId };
  const root = userOf(
    first,
    await admin.call("POST", "/login", { type: "m.login.password", identifier, password }),
  );
  const set = async (server: Served, kind: string, value: boolean) => {
    const path = `/_matrix/client/v1/admin/${kind}/${encodeURIComponent(user.userId)}`;
    const response = await fetch(`${server.baseUrl}${path}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${root.token}` },
      body: JSON.stringify({ [kind === "lock" ? "locked" : "suspended"]: value }),
    });
    expect(response.status).toBe(200);
  };
  return { set, users: [at(first, user), at(second, user)] as const };
}

test.skipIf(!hasRedis)("locked and suspended at one, refused at both", async () => {
  const { set, users } = await scene();
  for (let turn = 0; turn < 6; turn += 1) {
    const [here, there] = turn % 2 === 0 ? pair : pair.toReversed();
    const user = users[turn % 2 === 0 ? 1 : 0];
    const whoami = () => errcode(user.ask("GET", "/account/whoami"));
    expect(await whoami()).toEqual([200, undefined]);
    await set(here!, "lock", true);
    expect(await whoami()).toEqual(LOCKED);
    await set(there!, "suspend", true);
    await set(here!, "lock", false);
    expect(await whoami()).toEqual([200, undefined]);
    expect(await errcode(user.ask("POST", "/createRoom", {}))).toEqual(SUSPENDED);
    await set(here!, "suspend", false);
    expect(await errcode(user.ask("POST", "/createRoom", {}))).toEqual([200, undefined]);
  }
});

test.skipIf(!hasRedis)("what waits at either ends when the account is locked", async () => {
  const { set, users } = await scene();
  const positions = await Promise.all(users.map((user) => user.sync()));
  const ended = users.map(async (user, index) => {
    let since: string = positions[index]!.next_batch;
    for (let turn = 0; turn < 50; turn += 1) {
      const answer = await user.ask("GET", `/sync?timeout=600000&since=${since}`);
      if (answer.status !== 200) return [answer.status, answer.body.errcode];
      since = answer.body.next_batch;
    }
    return undefined;
  });
  await set(second, "lock", true);
  expect(await Promise.all(ended)).toEqual([LOCKED, LOCKED]);
});
