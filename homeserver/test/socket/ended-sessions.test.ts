/** A socket ends with its session, and says why; on whichever replica either is. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { openSocket, type TestSocket } from "../support/socket.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";

const CLIENT = "/_matrix/client/v3";
const open: TestSocket[] = [];
afterEach(() => open.splice(0).forEach(({ ws }) => ws.terminate()));

async function socketOf(server: { baseUrl: string }, token: string): Promise<TestSocket> {
  const socket = await openSocket(server, token);
  open.push(socket);
  socket.say({ type: "sync", id: 1 });
  const { next_batch: position } = await socket.batch(1);
  socket.say({ type: "ack", id: 1, next_batch: position });
  return socket;
}

async function signIn(server: { baseUrl: string }, user: string, more: object = {}): Promise<Body> {
  const body = {
    type: "m.login.password",
    identifier: { type: "m.id.user", user },
    password: `${user}-Secret-1`,
    ...more,
  };
  const response = await fetch(`${server.baseUrl}${CLIENT}/login`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return response.json();
}

async function ended(socket: TestSocket): Promise<Body> {
  const { body } = await socket.next("the end", ({ head }) => head.type === "end");
  expect((await socket.closed).code).toBe(4401);
  return body;
}

describe("on one server", () => {
  let server: TestServer;
  let alice: TestUser;
  let admin: TestUser;

  beforeAll(async () => {
    server = await startServer();
    admin = await register(server, "root");
    await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${admin.userId}`;
    alice = await register(server, "alice");
  });
  afterAll(() => server.close());

  test("signing out over the socket is answered before it is closed", async () => {
    const device = userOf(server, await signIn(server, "alice"));
    const socket = await socketOf(server, device.token);
    expect(await socket.ask("POST", `${CLIENT}/logout`, {})).toEqual({ status: 200, body: {} });
    expect(await ended(socket)).toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  });

  test("signed out by another device", async () => {
    const device = userOf(server, await signIn(server, "alice"));
    const [own, other] = [
      await socketOf(server, device.token),
      await socketOf(server, alice.token),
    ];
    await device.call("POST", "/logout", {});
    expect(await ended(own)).toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect((await other.ask("GET", `${CLIENT}/account/whoami`)).status).toBe(200);
  });

  test("locked, with word that the data may be kept; suspended ones go on", async () => {
    const bob = await register(server, "bob");
    const socket = await socketOf(server, bob.token);
    const moderate = async (what: "suspend" | "lock", on: object) => {
      const path = `/_matrix/client/v1/admin/${what}/${encodeURIComponent(bob.userId)}`;
      const response = await fetch(server.baseUrl + path, {
        method: "PUT",
        headers: { authorization: `Bearer ${admin.token}` },
        body: JSON.stringify(on),
      });
      expect(response.status).toBe(200);
    };
    await moderate("suspend", { suspended: true });
    expect((await socket.ask("POST", `${CLIENT}/createRoom`, {})).body).toMatchObject({
      errcode: "M_USER_SUSPENDED",
    });
    await moderate("lock", { locked: true });
    expect(await ended(socket)).toMatchObject({ errcode: "M_USER_LOCKED", soft_logout: true });
  });

  test("a renewed token goes on where the old one ends", async () => {
    const session = await signIn(server, "alice", { refresh_token: true });
    const socket = await socketOf(server, session.access_token);
    const response = await fetch(`${server.baseUrl}${CLIENT}/refresh`, {
      method: "POST",
      body: JSON.stringify({ refresh_token: session.refresh_token }),
    });
    const renewed = (await response.json()) as Body;
    socket.say({ type: "token", access_token: renewed.access_token });
    await socket.next("a second welcome", ({ head }) => head.type === "welcome");
    expect((await socket.ask("GET", `${CLIENT}/account/whoami`)).status).toBe(200);
    // The stream goes on, too, though the token that it began with has ended.
    await alice.call("PUT", `/user/${encodeURIComponent(alice.userId)}/account_data/x.y`, { n: 1 });
    const batch = await socket.batch(1);
    expect(batch.account_data.events).toMatchObject([{ type: "x.y" }]);
    expect(
      (
        await fetch(`${server.baseUrl}${CLIENT}/account/whoami`, {
          headers: { authorization: `Bearer ${session.access_token}` },
        })
      ).status,
    ).toBe(401);
  });
});

describe.skipIf(!hasRedis)("on two replicas", () => {
  let redis: TestRedis;
  let server: TestServer;
  let second: Awaited<ReturnType<TestServer["replica"]>>;

  beforeAll(async () => {
    redis = await startRedis();
    server = await startServer({ redisUrl: `unix://${redis.path}` });
    second = await server.replica();
  }, 120_000);
  afterAll(async () => {
    await second?.stop();
    await server?.close();
    await redis?.stop();
  });

  test("who signs out on the one is closed on the other", async () => {
    const carol = await register(server, "carol");
    const socket = await socketOf(second, carol.token);
    await carol.call("POST", "/logout", {});
    expect(await ended(socket)).toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
  });

  test("what is said on the one comes over the other, and one goes on on either", async () => {
    const dave = await register(server, "dave");
    const erin = await register(server, "erin");
    const room = (await dave.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
    await erin.call("POST", `/rooms/${encodeURIComponent(room)}/join`, {});
    const texts: string[] = [];
    let position: string | undefined;
    for (const [turn, at] of [second, server, second, server].entries()) {
      const socket = await openSocket(at, erin.token);
      open.push(socket);
      socket.say({ type: "sync", id: 1, ...(position !== undefined && { since: position }) });
      const wanted = `message ${turn}`;
      await dave.send(room, wanted);
      while (!texts.includes(wanted)) {
        const batch = await socket.batch(1);
        position = batch.next_batch as string;
        const events: Body[] = batch.rooms?.join?.[room]?.timeline.events ?? [];
        texts.push(
          ...events.filter((e) => e.type === "m.room.message").map((e) => e.content.body as string),
        );
        socket.say({ type: "ack", id: 1, next_batch: position });
      }
      // It goes without a word.
      socket.ws.terminate();
    }
    expect(texts).toEqual(["message 0", "message 1", "message 2", "message 3"]);
  });

  test("a replica that stops sends its clients to the other", async () => {
    const third = await server.replica();
    const frank = await register(server, "frank");
    const socket = await socketOf(third, frank.token);
    const stopping = third.stop();
    expect(await socket.closed).toEqual({ code: 1012, reason: "The server stops" });
    await stopping;
    const other = await socketOf(second, frank.token);
    expect((await other.ask("GET", `${CLIENT}/account/whoami`)).status).toBe(200);
  });
});
