import { operations, type OperationId } from "@weft/spec/operations";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signingKeyFromSeed } from "../../src/protocol/crypto.ts";
import { parseServerName, type ServerName } from "../../src/protocol/identifiers.ts";
import type { Json } from "../../src/protocol/json.ts";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import { upsertServerKeys } from "../../src/storage/federation/server-keys.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { nastyBody, nastyString } from "./nasty.ts";
import { rawRequest, segment } from "./raw-request.ts";

const RUNS = 3000;
const peer = parseServerName("localhost:1");
const key = signingKeyFromSeed("ed25519:peer", Buffer.alloc(32, 7));
const NAMES = [
  "pdus", "edus", "origin", "origin_server_ts", "edu_type", "content", "event", "room_version",
  "invite_room_state", "earliest_events", "latest_events", "limit", "min_depth", "server_keys",
  "type", "state_key", "sender", "room_id", "prev_events", "auth_events", "depth", "hashes",
  "signatures", "unsigned", "redacts", "membership", "filter", "generic_search_term", "room_types",
]; // prettier-ignore

let server: TestServer;
let alice: TestUser;
let roomId: string;
let known: string[];

beforeAll(async () => {
  server = await startServer();
  const row = { server: peer, keyId: key.keyId, publicKey: key.publicKeyBase64 };
  const validUntil = Date.now() + 86_400_000;
  await upsertServerKeys(server.database.sql, [{ ...row, validUntil, fetched: Date.now() }]);
  alice = await register(server, "alice");
  roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  const eventId = await alice.send(roomId, "unharmed");
  known = [alice.userId, roomId, eventId, `@eve:${peer}`, peer, server.name, "ed25519:peer", "12"];
});
afterAll(() => server.close());

const ids = (Object.keys(operations) as OperationId[]).filter(
  (id) => operations[id].api === "server-server",
);

/** Sends a request with the peer's signature, as far as its body can be signed. */
async function signed(method: string, uri: string, body: string | undefined) {
  let content: Json | undefined;
  try {
    content = body === undefined ? undefined : (JSON.parse(body) as Json);
    const destination = server.name as ServerName;
    const request = { method, uri, origin: peer, destination, ...(body && { content }) };
    const authorization = xMatrixHeader(request, key);
    return await rawRequest(server, { method, path: uri, headers: { authorization }, body });
  } catch {
    return rawRequest(server, { method, path: uri, body });
  }
}

test(`${RUNS} malformed requests of a server that signs them get an error and harm nothing`, async () => {
  const text = nastyString(known);
  const requests = fc.record({
    id: fc.constantFrom(...ids),
    params: fc.array(text, { minLength: 3, maxLength: 3 }),
    query: fc.dictionary(
      fc.constantFrom("v", "limit", "event_id", "ver", "room_alias", "user_id", "field", "since"),
      text,
      { maxKeys: 3 },
    ),
    body: nastyBody(NAMES, known),
  });
  await fc.assert(
    fc.asyncProperty(requests, async ({ id, params, query, body }) => {
      const { method, path } = operations[id];
      let next = 0;
      const filled = path.replace(/\{\w+\}/g, () => segment(params[next++ % params.length]!));
      const pairs = Object.entries(query).map(([name, value]) => `${name}=${segment(value)}`);
      const uri = `${filled}?${pairs.join("&")}`;
      const answer = await signed(method, uri, method === "GET" ? undefined : body);
      const what = `${method} ${uri} ${body.slice(0, 300)}: ${answer.text.slice(0, 300)}`;
      expect([500, 503], what).not.toContain(answer.status);
      if (answer.status >= 400) expect(JSON.parse(answer.text).errcode, what).toMatch(/^M_/);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  const messages = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50`;
  const { chunk } = await alice.call("GET", messages);
  expect(chunk[0].content.body).toBe("unharmed");
}, 240_000);

test("a transaction of PDUs that are no events is answered, and nothing of it is kept", async () => {
  const pdu = fc.dictionary(fc.constantFrom(...NAMES), nastyBody(NAMES, []).map(parsed), {
    maxKeys: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(pdu, { maxLength: 5 }), fc.nat(), async (pdus, txn) => {
      const events = pdus.map((event) => ({ ...event, room_id: roomId, type: "m.room.message" }));
      const body = JSON.stringify({ origin: peer, origin_server_ts: 1, pdus: events });
      const uri = `/_matrix/federation/v1/send/t${txn}-${Math.random()}`;
      const answer = await signed("PUT", uri, body);
      expect([200, 400, 401], answer.text).toContain(answer.status);
    }),
    { numRuns: 300 },
  );
  const [row] = await server.database.sql<{ count: number }[]>`
    SELECT count(*) FROM events WHERE sender LIKE ${`%:${peer}`}`;
  expect(row!.count).toBe(0);
}, 120_000);

/** The value of a JSON text; what nests too deep to be printed stays text. */
function parsed(text: string): unknown {
  if (text.startsWith("[[")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
