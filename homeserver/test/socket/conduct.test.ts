/** What a socket costs a client that does not behave, and nobody else. */
import { afterEach, describe, expect, test } from "vitest";
import { socketRoutes } from "../../src/admin-api/socket.ts";
import type { HttpServer, HttpServerOptions } from "../../src/http/server.ts";
import { route } from "../../src/http/route.ts";
import { serverWith } from "../http/support.ts";
import { openSocket, type TestSocket } from "../support/socket.ts";
import { eventually } from "../support/wait.ts";

let server: HttpServer;
let here: { baseUrl: string };
const open: TestSocket[] = [];
let asked = 0;
/** Requests that wait until they are let go. */
let waiting: (() => void)[] = [];
const LARGE = "x".repeat(256 * 1024);

const routes = [
  ...socketRoutes(),
  route("getTokenOwner", ({ requester }) => {
    asked += 1;
    return { user_id: requester.userId };
  }),
  route("getVersions", () => ({ versions: [LARGE] })),
  route("getCapabilities", async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return { capabilities: {} };
  }),
];

async function start(socketBounds: HttpServerOptions["socketBounds"] = {}) {
  asked = 0;
  waiting = [];
  server = await serverWith(routes, { socketBounds });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  here = { baseUrl: `http://127.0.0.1:${port}` };
}

afterEach(async () => {
  open.splice(0).forEach(({ ws }) => ws.terminate());
  await server.close(500);
});

async function good(): Promise<TestSocket> {
  const socket = await openSocket(here, "good-token");
  open.push(socket);
  return socket;
}

const WHOAMI = {
  type: "request",
  method: "GET",
  path: "/_matrix/client/v3/account/whoami",
} as const;
const VERSIONS = { type: "request", method: "GET", path: "/_matrix/client/versions" } as const;
const WAITS = { type: "request", method: "GET", path: "/_matrix/client/v3/capabilities" } as const;

describe("malformed messages close the socket", () => {
  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["null", "null"],
    ["no type", "{}"],
    ["an unknown type", '{"type":"hello"}'],
    ["a type of all objects", '{"type":"constructor"}'],
    ["a request without a number", JSON.stringify({ ...WHOAMI })],
    ["a number that is none", JSON.stringify({ ...WHOAMI, id: "1" })],
    ["a negative number", JSON.stringify({ ...WHOAMI, id: -1 })],
    ["another API", JSON.stringify({ ...WHOAMI, id: 1, path: "/_matrix/federation/v1/version" })],
    ["a path with a line feed", JSON.stringify({ ...WHOAMI, id: 1, path: "/_matrix/client/\n" })],
    ["another method", JSON.stringify({ ...WHOAMI, id: 1, method: "TRACE" })],
    ["a body where none belongs", '{"type":"ping"}\n{}'],
    ["a position that is no text", '{"type":"sync","id":1,"since":7}'],
    ["an escape from the client API", JSON.stringify({ ...WHOAMI, id: 1, path: "/_weft/metrics" })],
    ["a head that is too long", `{"type":"ping","x":"${"x".repeat(140_000)}"}`],
    ["a token that is none", '{"type":"token","access_token":""}'],
  ])("%s", async (_what, text) => {
    await start();
    const socket = await good();
    socket.ws.send(text);
    const { code, reason } = await socket.closed;
    expect(code).toBe(4400);
    expect(reason).not.toBe("");
  });

  test("bytes", async () => {
    await start();
    const socket = await good();
    socket.ws.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect(await socket.closed).toEqual({ code: 4400, reason: "Messages are text" });
  });

  test("more than a message may have", async () => {
    await start();
    const socket = await good();
    socket.ws.send(`${JSON.stringify({ ...WHOAMI, id: 1 })}\n${"x".repeat(300_000)}`);
    expect((await socket.closed).code).toBe(1009);
  });
});

test("pings are answered in their order", async () => {
  await start();
  const socket = await good();
  for (let n = 0; n < 3; n += 1) socket.say({ type: "ping" });
  for (let n = 0; n < 3; n += 1) await socket.next("a pong", ({ head }) => head.type === "pong");
});

test("a flood is read no faster than the bound, and delays nobody else", async () => {
  await start();
  const flooding = await good();
  const calm = await good();
  for (let id = 0; id < 3_000; id += 1) flooding.say({ ...WHOAMI, id });
  const answer = await calm.ask("GET", WHOAMI.path);
  expect(answer.status).toBe(200);
  // Some 500 at once and a hundred a second after that, with what one read of the network held.
  expect(asked).toBeLessThan(2_000);
});

test("who does not read is not read from either, and holds a bounded amount", async () => {
  await start();
  const slow = await good();
  slow.ws.pause();
  for (let id = 0; id < 400; id += 1) slow.say({ ...VERSIONS, id });
  const calm = await good();
  for (let n = 0; n < 5; n += 1) expect((await calm.ask("GET", WHOAMI.path)).status).toBe(200);
  slow.ws.resume();
  // All of it comes once it is read.
  await eventually("all answers", () => slow.heard.length === 401);
});

test("who reads nothing at all is cut off where too much waits", async () => {
  await start({ waitingInAll: 1024 * 1024, beatMs: 20 });
  const slow = await good();
  slow.ws.pause();
  for (let id = 0; id < 100; id += 1) slow.say({ ...VERSIONS, id });
  const calm = await good();
  await eventually("the slow one is gone", async () => {
    await calm.ask("GET", WHOAMI.path);
    const text = (await server.app.inject("/_weft/metrics")).body;
    return /^weft_sockets_open 1$/m.test(text);
  });
});

test("a client of which nothing is heard is gone; one that answers pings is not", async () => {
  await start({ beatMs: 20, deadMs: 200 });
  const dead = await good();
  const alive = await good();
  // It neither reads nor answers any more.
  dead.ws.pause();
  await eventually("the dead one is gone", async () => {
    const text = (await server.app.inject("/_weft/metrics")).body;
    return /^weft_sockets_open 1$/m.test(text);
  });
  expect((await alive.ask("GET", WHOAMI.path)).status).toBe(200);
});

describe("a server that stops", () => {
  test("answers what is under way, takes nothing more in, and says that another goes on", async () => {
    await start();
    const socket = await good();
    const idle = await good();
    socket.say({ ...WAITS, id: 1 });
    await eventually("it is under way", () => waiting.length === 1);
    const closing = server.close(20_000);
    expect((await idle.closed).code).toBe(1012);
    socket.say({ ...WHOAMI, id: 2 });
    waiting[0]!();
    const { head } = await socket.next("the answer", (each) => each.head.type === "answer");
    expect(head).toEqual({ type: "answer", id: 1, status: 200 });
    expect(await socket.closed).toEqual({ code: 1012, reason: "The server stops" });
    await closing;
    expect(asked).toBe(0);
  });

  test("does not wait longer than its time", async () => {
    await start();
    const socket = await good();
    socket.say({ ...WAITS, id: 1 });
    await eventually("it is under way", () => waiting.length === 1);
    await server.close(50);
    expect((await socket.closed).code).toBe(1006);
  });
});

test("what was given up counts for as long as it runs", async () => {
  await start();
  const socket = await good();
  for (let id = 0; id < 50; id += 1) {
    socket.say({ ...WAITS, id });
    socket.say({ type: "cancel", id });
  }
  const refused = await socket.next("a refusal", ({ head }) => head.type === "answer");
  expect(refused.head).toMatchObject({ status: 429 });
  await eventually("the others run", () => waiting.length === 40);
  expect(await socket.ask("GET", WHOAMI.path)).toMatchObject({ status: 429 });
  // Nor has a stream a place.
  socket.say({ type: "sync", id: 100 });
  const { head } = await socket.next("an end", (each) => each.head.id === 100);
  expect(head).toMatchObject({ type: "answer", status: 429 });
  for (const letGo of waiting) letGo();
  await eventually("there is room again", async () => {
    const { status } = await socket.ask("GET", WHOAMI.path);
    return status === 200;
  });
  // None of what was given up was answered.
  const answered = socket.heard.filter(({ head: each }) => each.type === "answer");
  expect(answered.filter(({ head: each }) => "status" in each && each.status === 200)).toHaveLength(
    1,
  );
});
