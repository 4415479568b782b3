import { operations, type OperationId } from "@weft/spec/operations";
import { operationSchemas } from "@weft/spec/schemas";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { nastyBody, nastyString } from "./nasty.ts";
import { type RawAnswer, rawRequest, segment } from "./raw-request.ts";

const RUNS = 4000;
/** They sign the user out, close the account, or hash a password on each try. */
const LEFT_OUT = new Set<string>([
  // These answer people, by pages.
  "redirectToSSO",
  "redirectToIdP",
  "logout",
  "logout_all",
  "deactivateAccount",
  "changePassword",
  "deleteDevice",
  "deleteDevices",
  "login",
  "register",
]);

let server: TestServer;
let alice: TestUser;
/** Sits in the room and is not known to the requests. */
let witness: TestUser;
let roomId: string;
let known: string[];

beforeAll(async () => {
  server = await startServer();
  alice = await register(server, "alice");
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  witness = await register(server, "witness");
  await witness.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
  await witness.send(roomId, "unharmed");
  const eventId = await alice.send(roomId, "may be redacted");
  known = [alice.userId, roomId, eventId, "@bob:localhost:1", "!r:localhost:1", "#a:localhost:1"];
});
afterAll(() => server.close());

const ids = (Object.keys(operations) as OperationId[]).filter(
  (id) => operations[id].api === "client-server" && !LEFT_OUT.has(id),
);
const names = [...new Set(ids.flatMap((id) => propertyNames(operationSchemas[id])))];

/** Property names anywhere in a schema. */
function propertyNames(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === "properties" && value ? Object.keys(value as object) : []),
    ...propertyNames(value),
  ]);
}

function check(answer: RawAnswer, what: string): void {
  expect(answer.status, `${what}: ${answer.text.slice(0, 300)}`).toBeGreaterThanOrEqual(200);
  expect([500, 503], `${what}: ${answer.text.slice(0, 300)}`).not.toContain(answer.status);
  expect(answer.headers["access-control-allow-origin"], what).toBe("*");
  if (answer.status < 400) return;
  const body = JSON.parse(answer.text) as { errcode?: unknown; error?: unknown; flows?: unknown };
  if (answer.status === 401 && body.flows) return; // user-interactive authentication begins
  expect([typeof body.errcode, typeof body.error], what).toEqual(["string", "string"]);
}

test(`${RUNS} malformed requests get an error of the protocol and harm nothing`, async () => {
  const text = nastyString(known);
  const requests = fc.record({
    id: fc.constantFrom(...ids),
    params: fc.array(text, { minLength: 4, maxLength: 4 }),
    query: fc.dictionary(
      fc.constantFrom(
        "filter",
        "from",
        "to",
        "dir",
        "limit",
        "at",
        "since",
        "via",
        "format",
        "width",
      ),
      text,
      { maxKeys: 2 },
    ),
    body: nastyBody(names, known),
    token: fc.constantFrom(alice.token, alice.token, alice.token, alice.token, "wrong", ""),
  });
  await fc.assert(
    fc.asyncProperty(requests, async ({ id, params, query, body, token }) => {
      const { method, path } = operations[id];
      let next = 0;
      const filled = path.replace(/\{\w+\}/g, () => segment(params[next++ % params.length]!));
      const search = Object.entries(query)
        .map(([key, value]) => `${key}=${segment(value)}`)
        .join("&");
      const answer = await rawRequest(server, {
        method,
        path: `${filled}?${search}`,
        headers: { authorization: `Bearer ${token}` },
        ...(method === "GET" ? {} : { body }),
      });
      check(answer, `${method} ${filled}?${search} ${body.slice(0, 200)}`);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  const { chunk } = await witness.call(
    "GET",
    `/rooms/${encodeURIComponent(roomId)}/messages?dir=f&limit=50`,
  );
  expect(chunk.map((e: { content: { body?: string } }) => e.content.body)).toContain("unharmed");
  expect((await witness.sync()).rooms.join[roomId]).toBeDefined();
}, 240_000);

test.each([
  ["GET", "/_matrix/client/v3/nowhere", 404, "M_UNRECOGNIZED"],
  ["GET", "/_matrix/nowhere", 404, "M_UNRECOGNIZED"],
  ["DELETE", "/_matrix/client/v3/sync", 405, "M_UNRECOGNIZED"],
  ["POST", "/_matrix/client/v3/createRoom", 400, "M_NOT_JSON"],
  ["GET", "/_matrix/client/v3/rooms/%zz/messages", 400, "M_INVALID_PARAM"],
])("%s %s answers %i %s", async (method, path, status, errcode) => {
  const headers = { authorization: `Bearer ${alice.token}` };
  const answer = await rawRequest(server, { method, path, headers });
  expect([answer.status, JSON.parse(answer.text).errcode]).toEqual([status, errcode]);
});

test("an event of more than 65,536 bytes is refused as too large", async () => {
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/large`;
  const body = { msgtype: "m.text", body: "x".repeat(66_000) };
  // Alice may have left by one of the requests above.
  const { status, body: answer } = await witness.ask("PUT", path, body);
  expect([status, answer.errcode]).toEqual([413, "M_TOO_LARGE"]);
});

test.each([['{"a":1.5}'], ['{"a":9007199254740993}'], ['{"a":"\\ud800"}'], ['{"a":1,"a":2}']])(
  "the content %s, which canonical JSON forbids, is refused at the door",
  async (body) => {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.x/t`;
    const headers = { authorization: `Bearer ${alice.token}` };
    const answer = await rawRequest(server, { method: "PUT", path, headers, body });
    expect(answer.status, answer.text).toBe(400);
    expect(["M_BAD_JSON", "M_NOT_JSON"]).toContain(JSON.parse(answer.text).errcode);
  },
);

test("an upload of no bytes and no type is an empty file", async () => {
  const headers = { authorization: `Bearer ${alice.token}` };
  const answer = await rawRequest(server, {
    method: "POST",
    path: "/_matrix/media/v3/upload",
    headers,
  });
  expect([answer.status, Object.keys(JSON.parse(answer.text))]).toEqual([200, ["content_uri"]]);
});
