/** Requests over a socket are answered as HTTP answers them. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openSocket, type TestSocket } from "../support/socket.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";

let server: TestServer;
let alice: TestUser;
let socket: TestSocket;
const open: TestSocket[] = [];

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
});
afterAll(() => server.close());
afterEach(() => open.splice(0).forEach(({ ws }) => ws.terminate()));

async function socketOf(user: TestUser): Promise<TestSocket> {
  const one = await openSocket(server, user.token);
  open.push(one);
  return one;
}

const CLIENT = "/_matrix/client/v3";

/** What HTTP answers, byte for byte, to the same body. */
async function overHttp(method: string, path: string, body?: string) {
  const response = await fetch(server.baseUrl + path, {
    method,
    headers: { authorization: `Bearer ${alice.token}` },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

let ids = 0;
async function overSocket(method: string, path: string, body?: string) {
  const id = (ids += 1);
  socket.say({ type: "request", id, method: method as "GET", path }, body);
  const { head, text } = await socket.next(path, (each) => each.head.id === id);
  return { status: (head as { status: number }).status, text };
}

describe("the answer is that of HTTP", () => {
  const encoded = encodeURIComponent("!nowhere:here.test");
  const cases: [string, string, string, string?][] = [
    ["of a reading", "GET", `${CLIENT}/account/whoami`],
    ["of versions", "GET", "/_matrix/client/versions"],
    ["with a query", "GET", `${CLIENT}/publicRooms?limit=3`],
    ["of an alias of the path", "GET", "/_matrix/client/r0/account/whoami"],
    ["of a slash at the end", "GET", `${CLIENT}/account/whoami/`],
    ["of an unknown path", "GET", `${CLIENT}/nowhere`],
    ["of another method", "DELETE", `${CLIENT}/sync`],
    ["of what is not there", "GET", `${CLIENT}/rooms/${encoded}/state`],
    ["of a wrong parameter", "GET", `${CLIENT}/publicRooms?limit=many`],
    ["of a malformed escape", "GET", `${CLIENT}/profile/%zz`],
    ["of a body that is no JSON", "POST", `${CLIENT}/createRoom`, "{"],
    ["of a body of another shape", "POST", `${CLIENT}/createRoom`, '{"name":7}'],
    ["of an event with a fraction", "PUT", `${CLIENT}/rooms/${encoded}/send/m.x/t`, '{"n":1.5}'],
    ["of a key that stands twice", "PUT", `${CLIENT}/rooms/${encoded}/send/m.x/t`, '{"a":1,"a":2}'],
    ["of a missing body", "POST", `${CLIENT}/user_directory/search`],
    ["of a body that is too large", "PUT", `${CLIENT}/typing`, JSON.stringify("x".repeat(70_000))],
    ["of another user's data", "GET", `${CLIENT}/user/@other:here.test/account_data/m.direct`],
    ["of an operation of administrators", "GET", `${CLIENT}/admin/whois/@alice:here.test`],
    ["of sync itself", "GET", `${CLIENT}/sync?since=nonsense`],
  ];
  test.each(cases)("%s", async (_what, method, path, body) => {
    socket = await socketOf(alice);
    expect(await overSocket(method, path, body)).toEqual(await overHttp(method, path, body));
  });

  test("of a body over the operation's limit", async () => {
    socket = await socketOf(alice);
    const path = `${CLIENT}/account/password`;
    const body = JSON.stringify({ new_password: "x".repeat(70_000) });
    const answer = await overSocket("POST", path, body);
    expect(answer).toEqual(await overHttp("POST", path, body));
    expect(answer.status).toBe(413);
  });

  test("of a list that is sent in parts", async () => {
    socket = await socketOf(alice);
    const room = await alice.call("POST", "/createRoom", { preset: "public_chat" });
    const path = `${CLIENT}/rooms/${encodeURIComponent(room.room_id)}/members`;
    const answer = await overSocket("GET", path);
    expect(answer.status).toBe(200);
    const strip = (text: string | undefined) => text?.replaceAll(/"age":\d+/g, "");
    expect(strip(answer.text)).toEqual(strip((await overHttp("GET", path)).text));
  });

  test("what is no JSON, or another API, is for HTTP", async () => {
    socket = await socketOf(alice);
    const refused = await overSocket("GET", "/_matrix/client/v1/media/download/here.test/x");
    expect(refused.status).toBe(404);
    const page = await overSocket("GET", `${CLIENT}/login/sso/redirect?redirectUrl=x`);
    expect(page).toMatchObject({ status: 404 });
    expect(page.text).toContain("over HTTP only");
    socket.say({ type: "request", id: 1, method: "GET", path: "/_weft/metrics" });
    expect((await socket.closed).code).toBe(4400);
  });
});

describe("many at once", () => {
  test("are answered each by its number, whichever is first", async () => {
    socket = await socketOf(alice);
    const { next_batch: since } = await alice.sync();
    const waiting = `${CLIENT}/sync?since=${since}&timeout=30000`;
    socket.say({ type: "request", id: 1, method: "GET", path: waiting });
    socket.say({ type: "request", id: 2, method: "GET", path: `${CLIENT}/account/whoami` });
    await socket.next("the second", ({ head }) => head.id === 2);
    expect(socket.heard.some(({ head }) => head.id === 1)).toBe(false);
    await alice.call("POST", "/createRoom", {});
    const first = await socket.next("the first", ({ head }) => head.id === 1);
    expect(first.body.rooms.join).toBeDefined();
  });

  test("those beyond the bound are told to come again, and the others go on", async () => {
    socket = await socketOf(alice);
    const { next_batch: since } = await alice.sync();
    const path = `${CLIENT}/sync?since=${since}&timeout=60000`;
    for (let id = 1; id <= 33; id += 1) socket.say({ type: "request", id, method: "GET", path });
    const { head, body } = await socket.next("a refusal", (each) => each.head.id === 33);
    expect(head).toMatchObject({ type: "answer", status: 429 });
    expect(body).toMatchObject({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 100 });
    socket.say({ type: "cancel", id: 1 });
    expect((await socket.ask("GET", `${CLIENT}/account/whoami`)).status).toBe(200);
    await alice.call("POST", "/createRoom", {});
    await socket.next("the last of them", (each) => each.head.id === 32);
    // What was given up is not answered.
    expect(socket.heard.some((each) => each.head.id === 1)).toBe(false);
  });

  test("a number is free again after its answer, and not before", async () => {
    socket = await socketOf(alice);
    const ask = { type: "request", id: 5, method: "GET" } as const;
    socket.say({ ...ask, path: `${CLIENT}/account/whoami` });
    await socket.next("an answer", ({ head }) => head.id === 5);
    const { next_batch: since } = await alice.sync();
    socket.say({ ...ask, path: `${CLIENT}/sync?since=${since}&timeout=60000` });
    socket.say({ ...ask, path: `${CLIENT}/account/whoami` });
    expect(await socket.closed).toEqual({ code: 4400, reason: "5 is taken" });
  });

  test("a transaction id counts the same on both ways", async () => {
    socket = await socketOf(alice);
    const room = (await alice.call("POST", "/createRoom", {})).room_id as string;
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/once`;
    const content = { msgtype: "m.text", body: "once" };
    const one = await socket.ask("PUT", CLIENT + path, content);
    const two: Body = await alice.call("PUT", path, content);
    expect(one.body.event_id).toBe(two.event_id);
  });
});

test("a waiting request costs nothing any more once its socket has gone", async () => {
  socket = await socketOf(alice);
  const { next_batch: since } = await alice.sync();
  const metric = async () => {
    const text = await (await fetch(`${server.baseUrl}/_weft/metrics`)).text();
    return Number(/^weft_http_requests_under_way (\d+)/m.exec(text)?.[1]);
  };
  const before = await metric();
  const path = `${CLIENT}/sync?since=${since}&timeout=120000`;
  for (let id = 1; id <= 20; id += 1) socket.say({ type: "request", id, method: "GET", path });
  await expect.poll(metric, { timeout: 30_000 }).toBe(before + 20);
  socket.ws.terminate();
  await expect.poll(metric, { timeout: 30_000 }).toBe(before);
});
