import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { boundsOf, checkBounds } from "../../src/protocol/json/json-bounds.ts";
import { createBodyReader } from "../../src/http/body/body.ts";
import { createBodyCollector } from "../../src/http/body/collect-body.ts";
import { route } from "../../src/http/route.ts";
import type { HttpServer } from "../../src/http/server.ts";
import { operations } from "@weft/spec/operations";
import { canonicalJsonLoose, forbiddenIn, parseLoose } from "../../src/protocol/json.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { signText } from "../../src/protocol/crypto.ts";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { HERE, PEER, peerKey, serverWith } from "./support.ts";

let server: HttpServer;
afterEach(() => server?.close(500));

const MIB = 1024 * 1024;
const SEND = "/_matrix/client/v3/rooms/!r:here.test/send/m.room.message/t1";
const TRANSACTION = "/_matrix/federation/v1/send/t1";
const routes = [
  route("sendMessage", () => ({ event_id: "$e" })),
  route("login", () => ({})),
  route("getVersions", () => ({ versions: [] })),
  route("sendTransaction", ({ body }) => ({
    marks: body.pdus.map((pdu) => forbiddenIn(pdu) !== undefined),
    edus: body.edus?.length ?? -1,
    origin: body.origin,
  })),
];

const claim = (destination: string, keyId = peerKey.keyId) =>
  `X-Matrix origin="${PEER}",destination="${destination}",key="${keyId}",sig="${"A".repeat(86)}"`;

/** Why a request is refused without its body: [request line, header, status, code]. */
const REFUSED: [string, string, string, number, string][] = [
  ["no signature", `PUT ${TRANSACTION}`, "", 401, "M_UNAUTHORIZED"],
  ["no X-Matrix", `PUT ${TRANSACTION}`, "Bearer good-token", 401, "M_UNAUTHORIZED"],
  ["another destination", `PUT ${TRANSACTION}`, claim("else.test"), 401, "M_UNAUTHORIZED"],
  ["an unknown key", `PUT ${TRANSACTION}`, claim(HERE, "ed25519:none"), 401, "M_UNAUTHORIZED"],
  [
    "a signature of another length",
    `PUT ${TRANSACTION}`,
    claim(HERE).replace("AAAA", ""),
    401,
    "M_UNAUTHORIZED",
  ],
  ["no token", `PUT ${SEND}`, "", 401, "M_MISSING_TOKEN"],
  ["an unknown token", `PUT ${SEND}`, "Bearer none", 401, "M_UNKNOWN_TOKEN"],
  ["an expired token", `PUT ${SEND}`, "Bearer old-token", 401, "M_UNKNOWN_TOKEN"],
  ["an unknown path", "PUT /_matrix/client/v3/nothing", "", 404, "M_UNRECOGNIZED"],
  ["another method", `POST ${SEND}`, "", 405, "M_UNRECOGNIZED"],
  ["a long body", `PUT ${SEND}`, "Bearer good-token", 413, "M_TOO_LARGE"],
  ["a long login", "POST /_matrix/client/v3/login", "", 413, "M_TOO_LARGE"],
];

function head(line: string, authorization: string, more = ""): string {
  const authorized = authorization === "" ? "" : `Authorization: ${authorization}\r\n`;
  return `${line} HTTP/1.1\r\nHost: here.test\r\n${authorized}${more}\r\n`;
}

async function listening(): Promise<() => Socket> {
  server = await serverWith(routes);
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  return () => connect(port, "127.0.0.1");
}

/** Reads one answer. */
async function answerOn(socket: Socket): Promise<{ status: number; head: string; body: string }> {
  let text = "";
  for (;;) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    text += chunk.toString();
    const length = /content-length: (\d+)/i.exec(text)?.[1];
    const [top = "", body] = text.split("\r\n\r\n");
    if (body === undefined || body.length < Number(length)) continue;
    return { status: Number(text.slice(9, 12)), head: top.toLowerCase(), body };
  }
}

describe("a request is refused before its body is read", () => {
  test.each(REFUSED)("%s", async (_name, line, authorization, status, errcode) => {
    const socket = (await listening())();
    // The body is announced and does not come.
    socket.write(head(line, authorization, `Content-Length: ${9 * MIB}\r\n`));
    const answer = await answerOn(socket);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ errcode });
    const isForBrowsers = !line.includes("federation");
    expect(answer.head.includes("access-control-allow-origin: *")).toBe(isForBrowsers);
    if (line.includes("old-token")) expect(JSON.parse(answer.body).soft_logout).toBe(true);
    socket.destroy();
  });

  test("and also where it asks before it sends it", async () => {
    const socket = (await listening())();
    const more = `Content-Length: ${9 * MIB}\r\nExpect: 100-continue\r\n`;
    socket.write(head(`PUT ${SEND}`, "", more));
    expect((await answerOn(socket)).status).toBe(401);
    socket.destroy();
  });

  test("a body that is wanted is asked for", async () => {
    const socket = (await listening())();
    socket.write(
      head(`PUT ${SEND}`, "Bearer good-token", "Content-Length: 2\r\nExpect: 100-continue\r\n"),
    );
    const [asked] = (await once(socket, "data")) as [Buffer];
    expect(asked.toString()).toContain("100 Continue");
    socket.write("{}");
    expect((await answerOn(socket)).status).toBe(200);
    socket.destroy();
  });

  test("too many requests, whoever asks", async () => {
    server = await serverWith(routes, { limited: true });
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    for (let count = 0; count < 31; count++) {
      await server.app.inject({ method: "POST", url: "/_matrix/client/v3/login", payload: "{" });
    }
    const socket = connect(port, "127.0.0.1");
    socket.write(head("POST /_matrix/client/v3/login", "", "Content-Length: 9000\r\n"));
    expect((await answerOn(socket)).status).toBe(429);
    socket.destroy();
  });
});

describe("the answer to a refused request can be read", () => {
  test.each(["keep-alive", "close"])(
    "by a client that sends all of its body first and says %s",
    async (connection) => {
      const socket = (await listening())();
      const length = 6 * MIB;
      socket.pause();
      socket.write(
        head(`PUT ${SEND}`, "", `Content-Length: ${length}\r\nConnection: ${connection}\r\n`),
      );
      for (let sent = 0; sent < length; sent += MIB) {
        if (!socket.write(Buffer.alloc(MIB, "x"))) await once(socket, "drain");
      }
      socket.resume();
      expect((await answerOn(socket)).status).toBe(401);
      if (connection === "keep-alive") {
        socket.write(head("GET /_matrix/client/versions", ""));
        expect((await answerOn(socket)).status).toBe(200);
        socket.destroy();
      } else {
        await once(socket, "end");
      }
    },
  );
});

describe("a body", () => {
  const TEN = 10 * MIB;

  test.each([
    ["of fractions", `[${"1.5,".repeat(100_000)}1]`],
    ["of long integers", `[${"12345678901234567890,".repeat(100_000)}1]`],
    ["of exponents", `[${"1e5,".repeat(100_000)}1]`],
    ["of lists", `[${"[],".repeat(1_100_000)}[]]`],
    ["of small numbers", `[${"1,".repeat(1_100_000)}1]`],
    ["of brackets", "[".repeat(2_000)],
  ])("%s without end is refused before it is parsed", (_name, text) => {
    expect(() => checkBounds(Buffer.from(text), boundsOf(TEN))).toThrow(/The body is JSON/);
  });

  test("of an event's text, quotation marks and all, is not", () => {
    const content = {
      body: '[1.5,{"'.repeat(9000),
      list: Array.from({ length: 9000 }, (_, n) => n),
    };
    expect(() =>
      checkBounds(Buffer.from(JSON.stringify(content)), boundsOf(256 * 1024)),
    ).not.toThrow();
  });

  test("that comes too slowly ends with 408", async () => {
    const body = new PassThrough() as unknown as IncomingMessage;
    body.headers = {};
    const collected = createBodyCollector().collect(body, { limit: 9, withinMs: 20, address: "a" });
    await expect(collected).rejects.toMatchObject({ status: 408 });
  });

  test("counts for its address while it is held", async () => {
    const collector = createBodyCollector();
    const send = (address: string, size: number) => {
      const body = new PassThrough() as PassThrough & IncomingMessage;
      body.headers = {};
      const collected = collector.collect(body, { limit: TEN, withinMs: 60_000, address });
      body.end(Buffer.alloc(size));
      return collected;
    };
    const held = await Promise.all([1, 2, 3].map(() => send("a", TEN)));
    await expect(send("a", TEN)).rejects.toMatchObject({ status: 429 });
    await expect(send("a", 10_000)).resolves.toBeDefined();
    await expect(send("b", TEN).then(([, release]) => release())).resolves.toBeUndefined();
    for (const [, release] of held) release();
    expect(collector.held).toBe(0);
    await expect(send("a", TEN)).resolves.toBeDefined();
  });
});

describe("a large transaction", () => {
  const event = { type: "x", content: { body: "é".repeat(2000) } };
  const text = `{"origin":"${PEER}","origin_server_ts":1,"edus":[{}],"pdus":[${[
    JSON.stringify(event),
    '{"a":1.5}',
    '{"a":1,"a":2}',
    `{"deep":${"[".repeat(1_050)}${"]".repeat(1_050)}}`,
    ...Array.from({ length: 40 }, () => JSON.stringify(event)),
  ].join(",")}]}`;

  function signed(content: string, forTheText = content): [string, string] {
    const parsed = parseLoose(forTheText) as JsonObject;
    const request = { method: "PUT", uri: TRANSACTION, origin: PEER, destination: HERE };
    const sig = signText(canonicalJsonLoose({ ...request, content: parsed }), peerKey);
    return [claim(HERE).replace(/sig=".*"/, `sig="${sig}"`), content];
  }

  test("is judged event by event", async () => {
    server = await serverWith(routes);
    const [authorization, payload] = signed(text);
    const answer = await server.app.inject({
      method: "PUT",
      url: TRANSACTION,
      headers: { authorization },
      payload,
    });
    expect(answer.json()).toEqual({
      origin: PEER,
      edus: 1,
      marks: [false, true, true, true, ...Array.from({ length: 40 }, () => false)],
    });
  });

  test("with a wrong signature is refused", async () => {
    server = await serverWith(routes);
    const [authorization, payload] = signed(text, text.replace("1.5", "1.6"));
    const answer = await server.app.inject({
      method: "PUT",
      url: TRANSACTION,
      headers: { authorization },
      payload,
    });
    expect(answer.json()).toMatchObject({ errcode: "M_UNAUTHORIZED" });
    expect(answer.statusCode).toBe(401);
  });

  test("of a stranger leaves the main loop free", async () => {
    const reader = createBodyReader();
    const header = xMatrixHeader(
      { method: "PUT", uri: TRANSACTION, origin: PEER, destination: "x.test" as ServerName },
      peerKey,
    );
    const signedBy = {
      method: "PUT",
      uri: TRANSACTION,
      origin: PEER,
      destination: HERE,
      sig: /sig="(.*)"/.exec(header)![1]!,
      publicKey: peerKey.publicKeyBase64,
    };
    const bytes = Buffer.from(`{"pdus":[${'{"a":1.5},'.repeat(40_000)}{}]}`);
    let turns = 0;
    let over = false;
    const count = () => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const operation = {
      id: "sendTransaction",
      row: operations.sendTransaction,
      address: "a",
    } as const;
    const verify = () => Promise.reject(new Error("it is proven on the other thread"));
    await expect(reader.read(operation, bytes, { signed: signedBy, verify })).rejects.toMatchObject(
      {
        errcode: "M_UNAUTHORIZED",
      },
    );
    over = true;
    expect(turns).toBeGreaterThan(20);
    await reader.close();
  });
});
