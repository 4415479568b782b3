/** Who may have a socket, and for how long. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { HttpServerOptions } from "../../src/http/server.ts";
import { createListeners } from "../../src/http/listeners.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { socketRoutes } from "../../src/admin-api/socket.ts";
import { route } from "../../src/http/route.ts";
import type { SessionWatch } from "../../src/users/sessions/session-watch.ts";
import { errors } from "../../src/protocol/errors.ts";
import { ALICE, serverWith } from "../http/support.ts";
import { openBare, openSocket, type TestSocket } from "../support/socket.ts";
import { inTime } from "../support/wait.ts";
import type { HttpServer } from "../../src/http/server.ts";

let server: HttpServer;
let here: { baseUrl: string };
const open: TestSocket[] = [];

/** What the session's end is told by. */
let doubts: Set<() => void>;
let ended: Error | undefined;
const watch = (): SessionWatch => ({
  check: () => (ended ? Promise.reject(ended) : undefined),
  onDoubt(listener) {
    doubts.add(listener);
    return () => doubts.delete(listener);
  },
  end() {},
});

const routes = [
  ...socketRoutes(),
  route("getTokenOwner", ({ requester }) => ({ user_id: requester.userId })),
  route("getVersions", () => ({ versions: [] })),
];

async function start(options: Partial<HttpServerOptions> & { limited?: boolean } = {}) {
  server = await serverWith(routes, {
    authenticator: {
      async byAccessToken(token) {
        if (token === "old-token") throw errors.unknownToken("Expired", true);
        if (token === "locked-token") return { ...ALICE, restriction: "locked" };
        if (token === "suspended-token") return { ...ALICE, restriction: "suspended" };
        if (token === "other-token") return { ...ALICE, deviceId: "E" };
        if (!token.startsWith("good-token")) throw errors.unknownToken();
        return ALICE;
      },
      watch,
    },
    ...options,
  });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  here = { baseUrl: `http://127.0.0.1:${port}` };
}

beforeEach(() => {
  doubts = new Set();
  ended = undefined;
});
afterEach(async () => {
  open.splice(0).forEach(({ ws }) => ws.terminate());
  await server.close(500);
});

async function bare(options: object = {}): Promise<TestSocket> {
  const socket = await openBare(here, options);
  open.push(socket);
  return socket;
}

async function good(token = "good-token"): Promise<TestSocket> {
  const socket = await openSocket(here, token);
  open.push(socket);
  return socket;
}

/** The status of an upgrade that was refused over HTTP. */
async function refusal(options: object = {}): Promise<{ status: number; body: unknown }> {
  const ws = new WebSocket(`${here.baseUrl.replace("http", "ws")}/_weft/socket`, options);
  ws.on("error", () => undefined);
  const [, response] = (await inTime("a refusal", once(ws, "unexpected-response"))) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) };
}

describe("a token", () => {
  test("opens the way, and its welcome tells the bounds", async () => {
    await start();
    const socket = await good();
    expect(socket.heard[0]?.head).toEqual({
      type: "welcome",
      user_id: ALICE.userId,
      device_id: "D",
      message_bytes: 294_912,
      requests: 32,
      silence_ms: 30_000,
    });
  });

  test.each([
    ["unknown", "nonsense", 401, { errcode: "M_UNKNOWN_TOKEN" }],
    ["expired", "old-token", 401, { errcode: "M_UNKNOWN_TOKEN", soft_logout: true }],
    ["of a locked account", "locked-token", 401, { errcode: "M_USER_LOCKED", soft_logout: true }],
  ])("that is %s closes it, and why is said before", async (_what, token, status, error) => {
    await start();
    const socket = await bare();
    socket.say({ type: "token", access_token: token });
    const { head, body } = await socket.next("the end", (each) => each.head.type === "end");
    expect(head).toEqual({ type: "end", status });
    expect(body).toMatchObject(error);
    expect(await socket.closed).toEqual({ code: 4401, reason: error.errcode });
  });

  test("of a suspended account is good: its requests are judged one by one", async () => {
    await start();
    const socket = await good("suspended-token");
    expect((await socket.ask("GET", "/_matrix/client/v3/account/whoami")).status).toBe(200);
  });

  test("ends the socket when it ends, with what a client has to know", async () => {
    await start();
    const socket = await good();
    ended = errors.unknownToken("It has expired", true);
    for (const doubt of doubts) doubt();
    const { body } = await socket.next("the end", ({ head }) => head.type === "end");
    expect(body).toEqual({
      errcode: "M_UNKNOWN_TOKEN",
      error: "It has expired",
      soft_logout: true,
    });
    expect((await socket.closed).code).toBe(4401);
    expect(doubts.size).toBe(0);
  });

  test("is not ended by a database that is away", async () => {
    await start();
    const socket = await good();
    ended = errors.unknown("The database does not answer", 503);
    for (const doubt of doubts) doubt();
    expect((await socket.ask("GET", "/_matrix/client/v3/account/whoami")).status).toBe(200);
  });

  test("takes the place of the one before, where it is the same device's", async () => {
    await start();
    const socket = await good();
    socket.say({ type: "token", access_token: "good-token-2" });
    await socket.next("a second welcome", ({ head }) => head.type === "welcome");
    expect(doubts.size).toBe(1);
    socket.say({ type: "token", access_token: "other-token" });
    expect((await socket.closed).code).toBe(4401);
  });
});

describe("before a token", () => {
  test.each([
    ["a request", { type: "request", id: 1, method: "GET", path: "/_matrix/client/versions" }],
    ["a stream", { type: "sync", id: 1 }],
    ["a ping", { type: "ping" }],
  ])("%s closes the socket", async (_what, message) => {
    await start();
    const socket = await bare();
    socket.say(message as never);
    expect((await socket.closed).code).toBe(4400);
  });

  test("a socket is closed when none comes in time", async () => {
    await start({ socketBounds: { tokenMs: 50 } });
    const socket = await bare();
    expect(await socket.closed).toEqual({ code: 4408, reason: "No token was shown in time" });
  });

  test("no more bytes are taken than a token has", async () => {
    await start();
    const socket = await bare();
    // A message that never ends.
    socket.ws.send("x".repeat(20_000), { fin: false });
    expect((await socket.closed).code).toBe(1006);
  });

  test("one network has so many sockets, and is answered over HTTP beyond", async () => {
    await start({ socketBounds: { unproved: 2 } });
    const first = await bare();
    await bare();
    expect(await refusal()).toMatchObject({ status: 429, body: { errcode: "M_LIMIT_EXCEEDED" } });
    // A token makes room, and so does going away.
    first.say({ type: "token", access_token: "good-token" });
    await first.next("a welcome", ({ head }) => head.type === "welcome");
    await bare();
  });

  test("all networks together have so many", async () => {
    await start({ socketBounds: { unprovedInAll: 1 }, trustedProxies: () => ["127.0.0.1"] });
    await bare({ headers: { "x-forwarded-for": "192.0.2.1" } });
    expect(await refusal({ headers: { "x-forwarded-for": "192.0.2.2" } })).toMatchObject({
      status: 429,
    });
  });

  test("sockets are opened no faster than their class of rates allows", async () => {
    const counted: unknown[] = [];
    await start({
      rateLimiter: {
        async check(rateClass, who) {
          counted.push([rateClass, who]);
          if (counted.length > 1) throw errors.limitExceeded(7);
        },
        checkStranger: async () => undefined,
        countsFailures: () => false,
        succeeded: async () => undefined,
      },
    });
    await bare();
    expect(await refusal()).toMatchObject({ status: 429, body: { errcode: "M_LIMIT_EXCEEDED" } });
    expect(counted[0]).toEqual(["socket", { user: undefined, ip: "127.0.0.1" }]);
  });
});

test("one user has so many sockets", async () => {
  await start({ socketBounds: { perUser: 2 } });
  const first = await good();
  await good();
  const third = await bare();
  third.say({ type: "token", access_token: "good-token" });
  expect(await third.closed).toEqual({ code: 4429, reason: "M_LIMIT_EXCEEDED" });
  first.ws.close();
  await first.closed;
  await good();
});

test("what is no WebSocket is answered as HTTP", async () => {
  await start();
  const address = `${here.baseUrl}/_weft/socket`;
  const plain = await fetch(address);
  expect({ status: plain.status, body: await plain.json() }).toMatchObject({
    status: 426,
    body: { errcode: "M_UNRECOGNIZED" },
  });
  expect((await fetch(address, { method: "POST" })).status).toBe(405);
  // Another protocol, and another path: plain requests.
  const ws = new WebSocket(`${here.baseUrl.replace("http", "ws")}/_matrix/client/versions`);
  ws.on("error", () => undefined);
  const [, response] = (await once(ws, "unexpected-response")) as [unknown, { statusCode: number }];
  expect(response.statusCode).toBe(200);
  // A key that is no key.
  const { port } = new URL(address);
  const bad = request({
    ...{ port, path: "/_weft/socket" },
    headers: { connection: "upgrade", upgrade: "websocket", "sec-websocket-key": "no key" },
  });
  bad.end();
  const [answer] = (await inTime("an answer", once(bad, "response"))) as [IncomingMessage];
  expect(answer.statusCode).toBe(400);
  answer.resume();
});

test("before the server is ready a socket is refused like all else", async () => {
  const listeners = createListeners(silentLogger());
  const port = await listeners.listen({ host: "127.0.0.1", port: 0 });
  here = { baseUrl: `http://127.0.0.1:${port}` };
  expect(await refusal()).toMatchObject({ status: 503 });
  await listeners.stop();
  await start();
});
