/** What the server says to its users, each in a room of their own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

let redis: TestRedis | undefined;
let server: TestServer;
/** Another replica of it, where there is a Redis. */
let other: Awaited<ReturnType<TestServer["replica"]>> | undefined;
let admin: TestUser;
let alice: TestUser;
beforeAll(async () => {
  redis = hasRedis ? await startRedis() : undefined;
  server = await startServer({
    ...(redis && { redisUrl: redis.path }),
    encryptionByDefault: "all",
  });
  other = redis && (await server.replica());
  [admin, alice] = [await administrator(server, "admin"), await register(server, "alice")];
});
afterAll(async () => {
  await other?.stop();
  await server.close();
  await redis?.stop();
});

async function administrator(of: TestServer, user: string): Promise<TestUser> {
  const { userId } = await register(of, user);
  await of.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${userId}`;
  // A session knows from its start what the user may.
  const response = await fetch(`${of.baseUrl}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify({
      ...{ type: "m.login.password", identifier: { type: "m.id.user", user } },
      password: `${user}-Secret-1`,
    }),
  });
  return userOf(of, (await response.json()) as Body);
}

interface Notice {
  readonly to: string;
  readonly body: string;
  readonly txnId?: string;
  readonly as?: TestUser;
  readonly at?: { readonly baseUrl: string };
}

async function notify({ to, body, txnId, as = admin, at = server }: Notice) {
  const path = "/_synapse/admin/v1/send_server_notice";
  const response = await fetch(`${at.baseUrl}${path}${txnId === undefined ? "" : `/${txnId}`}`, {
    method: txnId === undefined ? "POST" : "PUT",
    headers: { authorization: `Bearer ${as.token}` },
    body: JSON.stringify({ user_id: to, content: { msgtype: "m.text", body } }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

const of = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

/** The rooms with the server that a user is invited to, and those that they are in. */
async function noticeRooms(user: TestUser) {
  const { rooms = {} } = await user.sync();
  const isTagged = (room: Body) =>
    (room.account_data?.events ?? []).some(
      ({ type, content }: Body) => type === "m.tag" && "m.server_notice" in content.tags,
    );
  const joined = Object.entries(rooms.join ?? {}).filter(([, room]) => isTagged(room));
  return { invited: Object.keys(rooms.invite ?? {}), joined: joined.map(([roomId]) => roomId) };
}

async function bodies(user: TestUser, roomId: string): Promise<string[]> {
  const { chunk } = await user.call("GET", of(roomId, "/messages?dir=b&limit=50"));
  const texts = chunk.filter(({ type }: Body) => type === "m.room.message");
  return texts.map(({ content }: Body) => content.body).toReversed();
}

test("a user is invited to a room with the server, cannot reject that, and reads what is said there", async () => {
  expect((await notify({ to: alice.userId, body: "one" })).status).toBe(200);
  expect((await notify({ to: alice.userId, body: "two" })).status).toBe(200);
  const { invited } = await noticeRooms(alice);
  expect(invited).toHaveLength(1);
  const [roomId] = invited as [string];
  expect(await alice.ask("POST", of(roomId, "/leave"), {})).toMatchObject({
    ...{ status: 403, body: { errcode: "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM" } },
  });
  await alice.call("POST", of(roomId, "/join"), {});
  expect(await noticeRooms(alice)).toEqual({ invited: [], joined: [roomId] });
  expect(await bodies(alice, roomId)).toEqual(["one", "two"]);
  // It is the server that talks there, and not in cipher.
  expect((await alice.ask("GET", of(roomId, "/state/m.room.encryption"))).status).toBe(404);
  const said = { msgtype: "m.text", body: "hello?" };
  expect((await alice.ask("PUT", of(roomId, "/send/m.room.message/1"), said)).status).toBe(403);

  // Who is in it may leave, and is invited to the same room for the next notice.
  await alice.call("POST", of(roomId, "/leave"), {});
  expect((await notify({ to: alice.userId, body: "three" })).status).toBe(200);
  expect((await noticeRooms(alice)).invited).toEqual([roomId]);
  await alice.call("POST", of(roomId, "/join"), {});
  expect(await bodies(alice, roomId)).toEqual(["one", "two", "three"]);
});

test("a repeated request says nothing twice, and several at once, on two replicas, make one room", async () => {
  const bob = await register(server, "bob");
  const sent = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      notify({
        ...{ to: bob.userId, body: `n${index % 4}`, txnId: `t${index % 4}` },
        at: index % 3 === 0 ? (other ?? server) : server,
      }),
    ),
  );
  expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 200));
  expect(new Set(sent.map(({ body }) => body.event_id)).size).toBe(4);
  const { invited } = await noticeRooms(bob);
  expect(invited).toHaveLength(1);
  await bob.call("POST", of(invited[0]!, "/join"), {});
  expect((await bodies(bob, invited[0]!)).toSorted()).toEqual(["n0", "n1", "n2", "n3"]);
  // The same number for somebody else is another notice.
  expect((await notify({ to: alice.userId, body: "n0", txnId: "t0" })).body.event_id).not.toBe(
    sent[0]!.body.event_id,
  );
});

test("who takes no invites is told all the same", async () => {
  const carol = await register(server, "carol");
  const type = "m.invite_permission_config";
  await carol.call("PUT", `/user/${encodeURIComponent(carol.userId)}/account_data/${type}`, {
    default_action: "block",
  });
  expect((await notify({ to: carol.userId, body: "one" })).status).toBe(200);
  expect((await noticeRooms(carol)).invited).toHaveLength(1);
});

test("only administrators send notices, and only to users that are here", async () => {
  const refused = await notify({ to: alice.userId, body: "no", as: alice });
  expect(refused).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
  const answers = [
    [await notify({ to: "@nobody:elsewhere.test", body: "no" }), 400, "M_INVALID_PARAM"],
    [await notify({ to: `@nobody:${server.name}`, body: "no" }), 404, "M_NOT_FOUND"],
    [await notify({ to: `@server-notices:${server.name}`, body: "no" }), 400, "M_INVALID_PARAM"],
    [await notify({ to: alice.userId, body: "x".repeat(70_000) }), 413, "M_TOO_LARGE"],
  ] as const;
  for (const [answer, status, errcode] of answers) {
    expect(answer).toMatchObject({ status, body: { errcode } });
  }
});

test("nobody can be the server, and where somebody has its name already, notices say so", async () => {
  const apart = await startServer();
  try {
    const first = await register(apart, "server-notices");
    const boss = await administrator(apart, "boss");
    const said = await notify({ to: first.userId, body: "no", as: boss, at: apart });
    expect(said).toMatchObject({ status: 400, body: { errcode: "M_INVALID_PARAM" } });
    const toBoss = await notify({ to: boss.userId, body: "no", as: boss, at: apart });
    expect(toBoss).toMatchObject({ status: 400, body: { errcode: "M_USER_IN_USE" } });
  } finally {
    await apart.close();
  }
  const login = { username: "server-notices", password: "long-enough-1" };
  const response = await fetch(`${server.baseUrl}/_matrix/client/v3/register`, {
    method: "POST",
    body: JSON.stringify({ ...login, auth: { type: "m.login.dummy" } }),
  });
  expect(((await response.json()) as Body).errcode).toBe("M_USER_IN_USE");
});
