/** Bodies that are long, slow or without end. */
import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { boundsOf, checkBounds } from "../../src/protocol/json/json-bounds.ts";
import { createBodyReader } from "../../src/http/body/body.ts";
import { createBodyCollector } from "../../src/http/body/collect-body.ts";
import { operations } from "@weft/spec/operations";
import { canonicalJsonLoose, parseLoose } from "../../src/protocol/json.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { signText } from "../../src/protocol/crypto.ts";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import type { ServerName } from "../../src/protocol/identifiers.ts";
import { HERE, PEER, peerKey } from "./support.ts";
import { server, startServer } from "./one-server.ts";
import { MIB, TRANSACTION, claim, routes } from "./on-socket.ts";
import { loopTurns } from "../support/loop-turns.ts";

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

  test.each(["{}", "[]", "[200,{}]", "[[],[],[]]", `[${"1,".repeat(4_000)}1]`])(
    "of few values is not, however short it is: %s",
    (text) => {
      expect(() => checkBounds(Buffer.from(text), boundsOf(text.length))).not.toThrow();
    },
  );

  test("of an event's text, quotation marks and all, is not", () => {
    const content = {
      body: '[1.5,{"'.repeat(9000),
      list: Array.from({ length: 9000 }, (_, n) => n),
    };
    expect(() =>
      checkBounds(Buffer.from(JSON.stringify(content)), boundsOf(256 * 1024)),
    ).not.toThrow();
  });

  test.each([
    ["a quotation mark", '\\"'],
    ["two backslashes and one", '\\\\\\"'],
    ["a bracket", "["],
  ])("of a long text with %s in it has one value", (_name, piece) => {
    for (const length of [0, 1, 62, 63, 64, 65, 200]) {
      const text = `[{"a":"${"x".repeat(length)}${piece}${"x".repeat(length)}"},"\\\\"]`;
      expect(() => checkBounds(Buffer.from(text), { ...boundsOf(0), values: 3 })).not.toThrow();
      expect(() => checkBounds(Buffer.from(text), { ...boundsOf(0), values: 2 })).toThrow(
        /2 values/,
      );
    }
  });

  const long = "x".repeat(100_000);
  test.each([
    ["nothing unusual", `{"messages":{"a":{"b":{"c":"${long}"}}}}`, undefined],
    ["text that looks unusual", `{"messages":{"a":{"b":{"c":"[1.5 \\" : ${long}"}}}}`, undefined],
    ["a fraction", `{"messages":{"a":{"b":{"c":1.5,"d":"${long}"}}}}`, "forbidden"],
    ["a key twice", `{"messages":{"a":{"b":{"c":1,"c":"${long}"}}}}`, "forbidden"],
    ["an end that is missing", `{"messages":{"a":{"b":{"c":"${long}"}}}`, "syntax"],
  ])("of 100 kB with %s is read as a short one is", async (_name, text, kind) => {
    const reader = createBodyReader();
    const operation = { row: operations.sendToDevice, address: "a" } as const;
    const reading = reader.read(operation, Buffer.from(text), undefined);
    if (kind === undefined) expect(await reading).toEqual(JSON.parse(text));
    else await expect(reading).rejects.toMatchObject({ kind });
    await reader.close();
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
    await startServer(routes);
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
    await startServer(routes);
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
    const operation = {
      id: "sendTransaction",
      row: operations.sendTransaction,
      address: "a",
    } as const;
    const verify = () => Promise.reject(new Error("it is proven on the other thread"));
    const read = () => reader.read(operation, bytes, { signed: signedBy, verify });
    const turns = await loopTurns(() =>
      expect(read()).rejects.toMatchObject({ errcode: "M_UNAUTHORIZED" }),
    );
    expect(turns).toBeGreaterThan(20);
    await reader.close();
  });
});
