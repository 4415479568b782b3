import { describe, expect, test } from "vitest";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { canonicalJsonLoose, forbiddenIn, parseLoose } from "../../src/protocol/json.ts";
import { signText } from "../../src/protocol/crypto.ts";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import { route } from "../../src/http/route.ts";
import { parseXMatrix } from "../../src/http/access/x-matrix.ts";
import { HERE, PEER, peerKey } from "./support.ts";
import { server, startServer } from "./one-server.ts";

const URI = "/_matrix/federation/v1/query/profile?user_id=%40alice%3Ahere.test";
const TRANSACTION = "/_matrix/federation/v1/send/t1";
const routes = [
  route("queryProfile", ({ origin }) => ({ origin })),
  route("sendTransaction", ({ origin, body }) => ({
    origin,
    marks: body.pdus.map((pdu) => forbiddenIn(pdu) !== undefined),
  })),
];

function signedGet(destination = HERE, uri = URI): string {
  return xMatrixHeader({ method: "GET", uri, origin: PEER, destination }, peerKey);
}

describe("the header", () => {
  test.each([
    ['X-Matrix origin="a.b",destination="c.d",key="ed25519:1",sig="x+/y"', "quoted values"],
    ["X-Matrix origin=a.b,destination=c.d,key=ed25519:1,sig=x+/y", "bare values, colons in them"],
    [
      'x-matrix   sig="x+/y" ,\tKEY="ed25519:1", Destination="c.d",Origin=a.b',
      "any order and case",
    ],
    [
      'X-Matrix origin="a\\.b",destination="c.d",key="ed25519:1",sig="x+/y",new="1"',
      "escapes, and unknown names",
    ],
  ])("%s is read (%s)", (header) => {
    const expected = { origin: "a.b", destination: "c.d", key: "ed25519:1", sig: "x+/y" };
    expect(parseXMatrix(header)).toEqual(expected);
  });

  test.each([
    undefined,
    "",
    "Bearer x",
    "X-Matrix",
    "X-Matrix origin=a.b",
    'X-Matrix origin="a',
    "X-Matrix origin=a,origin=b,key=ed25519:1,sig=x",
  ])("%s is refused", (header) => {
    expect(parseXMatrix(header)).toBeUndefined();
  });
});

describe("a request", () => {
  test("that is signed for its exact URI names its origin", async () => {
    const heard: ServerName[] = [];
    await startServer(routes, { onPeer: (peer) => heard.push(peer) });
    const answer = await server.app.inject({ url: URI, headers: { authorization: signedGet() } });
    expect(answer.json()).toEqual({ origin: PEER });
    expect(heard).toEqual([PEER]);
  });

  test.each([
    ["without a signature", {}],
    ["for another server", { authorization: signedGet("else.test" as ServerName) }],
    ["for another path", { authorization: signedGet(HERE, "/x") }],
    ["by an unknown key", { authorization: signedGet().replace("ed25519:1", "ed25519:2") }],
    ["in another's name", { authorization: signedGet().replace("peer.test", "evil.test") }],
    ["with another signature", { authorization: signedGet().replace(/sig="./, 'sig="_') }],
  ])("%s is 401 M_UNAUTHORIZED", async (_name, headers: Record<string, string>) => {
    await startServer(routes);
    const answer = await server.app.inject({ url: URI, headers });
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ errcode: "M_UNAUTHORIZED" });
  });

  test("with a wrong event in it is taken, with the wrong event marked", async () => {
    await startServer(routes);
    const payload =
      '{"origin":"peer.test","origin_server_ts":1,"pdus":[{"a":1.5},{"a":1},{"a":1,"a":2}]}';
    // The sender signs what it has in memory: the last of two equal keys.
    const content = parseLoose(payload) as JsonObject;
    const signed = { method: "PUT", uri: TRANSACTION, origin: PEER, destination: HERE, content };
    const sig = signText(canonicalJsonLoose(signed), peerKey);
    const authorization = `X-Matrix origin="${PEER}",destination="${HERE}",key="${peerKey.keyId}",sig="${sig}"`;
    const answer = await server.app.inject({
      method: "PUT",
      url: TRANSACTION,
      headers: { authorization },
      payload,
    });
    expect(answer.json()).toEqual({ origin: PEER, marks: [true, false, true] });
  });
});
