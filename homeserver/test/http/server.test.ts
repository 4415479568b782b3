import { once } from "node:events";
import { connect } from "node:net";
import type { InjectOptions } from "fastify";
import { Readable } from "node:stream";
import { operationSchemas } from "@weft/spec/schemas";
import { operationIds } from "@weft/spec/operations";
import { afterEach, describe, expect, test } from "vitest";
import { errors } from "../../src/protocol/errors.ts";
import { binary, json, raw } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import type { HttpServer } from "../../src/http/server.ts";
import { type Part, createValidators } from "../../src/http/validate.ts";
import { asAlice, serverWith } from "./support.ts";

let server: HttpServer;
afterEach(() => server?.close(500));

const SEND = "/_matrix/client/v3/rooms/!r:here.test/send/m.room.message/t1";
const send = route("sendMessage", ({ params, body, requester }) => ({
  event_id: `$${params.eventType}|${requester.userId}`,
  body,
}));

async function inject(options: InjectOptions) {
  const answer = await server.app.inject(options);
  const isJson = String(answer.headers["content-type"]).includes("application/json");
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: isJson ? JSON.parse(answer.body) : answer.body,
  };
}

describe("start", () => {
  test("fails for an operation of a required API that has no handler", async () => {
    await expect(serverWith([send], { requireAllOf: ["client-server"] })).rejects.toThrow(
      /getVersions has no handler/,
    );
  });

  test("fails for two handlers of one operation", async () => {
    await expect(serverWith([send, send])).rejects.toThrow(/sendMessage has two handlers/);
  });

  test("every schema of a request compiles", () => {
    const validators = createValidators();
    for (const operationId of operationIds) {
      for (const part of ["params", "query", "body"] as Part[]) {
        if (operationSchemas[operationId][part] === undefined) continue;
        expect(() => validators(operationId, part)({}), `${operationId} ${part}`).not.toThrow();
      }
    }
  });
});

describe("errors", () => {
  test("an unknown path is 404, a known path with another method 405, both M_UNRECOGNIZED with CORS", async () => {
    server = await serverWith([send]);
    const unknown = await inject({ url: "/_matrix/client/v3/nothing" });
    expect(unknown).toMatchObject({ status: 404, body: { errcode: "M_UNRECOGNIZED" } });
    expect(unknown.headers["access-control-allow-origin"]).toBe("*");
    for (const method of ["POST", "GET", "DELETE", "PATCH"] as const) {
      const other = await inject({ method, url: SEND, payload: "{" });
      expect(other).toMatchObject({ status: 405, body: { errcode: "M_UNRECOGNIZED" } });
      expect(other.headers["access-control-allow-origin"]).toBe("*");
    }
  });

  test.each([
    ["no token", {}, "{}", 401, "M_MISSING_TOKEN"],
    ["an unknown token", { authorization: "Bearer x" }, "{}", 401, "M_UNKNOWN_TOKEN"],
    ["no token before a bad body", {}, "{", 401, "M_MISSING_TOKEN"],
    ["text that is no JSON", asAlice, "{", 400, "M_NOT_JSON"],
    [
      "bytes that are no UTF-8",
      asAlice,
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      400,
      "M_NOT_JSON",
    ],
    ["no body", asAlice, "", 400, "M_NOT_JSON"],
    ["an array", asAlice, "[]", 400, "M_BAD_JSON"],
    ["a key twice", asAlice, '{"a":1,"a":2}', 400, "M_BAD_JSON"],
    ["a fraction", asAlice, '{"a":1.5}', 400, "M_BAD_JSON"],
    ["half a surrogate pair", asAlice, '{"a":"\\ud800"}', 400, "M_BAD_JSON"],
    ["deep nesting", asAlice, `{"a":${"[".repeat(200)}${"]".repeat(200)}}`, 400, "M_BAD_JSON"],
    ["a great body", asAlice, JSON.stringify({ a: "x".repeat(3_000_000) }), 413, "M_TOO_LARGE"],
  ] as const)(
    "%s is refused with the right code",
    async (_name, headers: Record<string, string>, payload, status, errcode) => {
      server = await serverWith([send]);
      expect(await inject({ method: "PUT", url: SEND, headers, payload })).toMatchObject({
        status,
        body: { errcode },
        headers: { "access-control-allow-origin": "*" },
      });
    },
  );

  test("an expired token says that signing in again is enough", async () => {
    server = await serverWith([send]);
    const answer = await inject({
      method: "PUT",
      url: `${SEND}?access_token=old-token`,
      payload: "{}",
    });
    expect(answer.body).toMatchObject({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
  });

  test("missing keys are M_MISSING_PARAM and wrong parameters M_INVALID_PARAM", async () => {
    server = await serverWith([
      route("login", () => ({})),
      route("getRoomEvents", ({ query }) => ({ chunk: [], start: "s", query })),
    ]);
    const login = { method: "POST", url: "/_matrix/client/v3/login" } as const;
    expect(await inject({ ...login, payload: "{}" })).toMatchObject({
      status: 400,
      body: { errcode: "M_MISSING_PARAM" },
    });
    expect(await inject({ ...login, payload: '{"type":3}' })).toMatchObject({
      status: 400,
      body: { errcode: "M_BAD_JSON" },
    });
    const messages = "/_matrix/client/v3/rooms/!r:here.test/messages";
    expect(await inject({ url: `${messages}?dir=b&limit=x`, headers: asAlice })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
    const good = await inject({ url: `${messages}?dir=b&limit=7`, headers: asAlice });
    expect(good.body.query).toEqual({ dir: "b", limit: 7 });
  });

  test("an unforeseen error is a 500 that tells nothing but an id", async () => {
    server = await serverWith([
      route("getVersions", () => {
        throw new TypeError("secret of the inside");
      }),
    ]);
    const answer = await inject({ url: "/_matrix/client/versions" });
    expect(answer.status).toBe(500);
    expect(answer.body.errcode).toBe("M_UNKNOWN");
    expect(answer.body.error).toMatch(/^Internal error [0-9a-f]{12}$/);
  });

  test("a MatrixError keeps its status, code and further keys, and 429 tells when to retry", async () => {
    server = await serverWith([
      route("getVersions", () => {
        throw errors.limitExceeded(1500);
      }),
    ]);
    const answer = await inject({ url: "/_matrix/client/versions" });
    expect(answer).toMatchObject({
      status: 429,
      body: { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 1500 },
      headers: { "retry-after": "2" },
    });
  });

  test("bytes that are no HTTP get JSON too", async () => {
    server = await serverWith([]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const socket = connect(port, "127.0.0.1");
    socket.write("nonsense\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(String(answer)).toMatch(
      /^HTTP\/1\.1 400[^]*access-control-allow-origin: \*[^]*M_UNKNOWN/,
    );
  });
});

describe("paths", () => {
  test("a state key may be empty, with or without the last slash", async () => {
    server = await serverWith([
      route("getRoomStateWithKey", ({ params }) => ({
        type: params.eventType,
        key: params.stateKey,
      })),
    ]);
    const state = "/_matrix/client/v3/rooms/!r:here.test/state";
    for (const [path, key] of [
      ["m.room.name", ""],
      ["m.room.name/", ""],
      ["m.room.name/k%2Fk", "k/k"],
    ]) {
      const answer = await inject({ url: `${state}/${path}`, headers: asAlice });
      expect(answer.body).toEqual({ type: "m.room.name", key });
    }
  });

  test("the r0 paths of old clients work", async () => {
    server = await serverWith([send]);
    const url = SEND.replace("/v3/", "/r0/");
    expect(await inject({ method: "PUT", url, headers: asAlice, payload: "{}" })).toMatchObject({
      status: 200,
    });
  });

  test.each(["%zz", "%ff"])("the bad percent-encoding %s is 400 and not 500", async (bad) => {
    server = await serverWith([send]);
    const url = `/_matrix/client/v3/rooms/${bad}/send/m.room.message/t`;
    expect(await inject({ method: "PUT", url, headers: asAlice, payload: "{}" })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
  });

  test("a NUL in a parameter is refused before it reaches a handler", async () => {
    server = await serverWith([send]);
    const options = { method: "PUT", headers: asAlice, payload: "{}" } as const;
    expect(await inject({ ...options, url: `${SEND}%00` })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
    // What the operation does not know is not looked at.
    expect(await inject({ ...options, url: `${SEND}?unknown=%00` })).toMatchObject({ status: 200 });
  });

  test("doubled slashes are another path", async () => {
    server = await serverWith([send]);
    expect(await inject({ url: "/_matrix//client/versions" })).toMatchObject({ status: 404 });
  });

  test("very long parts of a path are a bad parameter and not an unknown path", async () => {
    server = await serverWith([route("getRoomIdByAlias", () => ({}))]);
    const answer = await inject({ url: `/_matrix/client/v3/directory/room/${"a".repeat(9000)}` });
    expect(answer).toMatchObject({ status: 400, body: { errcode: "M_INVALID_PARAM" } });
  });
});

describe("answers", () => {
  test("OPTIONS is answered everywhere on the client API, and servers' endpoints get no CORS", async () => {
    server = await serverWith([send]);
    for (const url of [SEND, "/_matrix/client/v3/nothing"]) {
      const answer = await inject({ method: "OPTIONS", url });
      expect(answer.status).toBe(204);
      expect(answer.headers["access-control-allow-headers"]).toContain("Authorization");
    }
    const servers = await inject({ url: "/_matrix/federation/v1/version" });
    expect(servers.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("bodies are read as JSON whatever their content type, and written byte for byte", async () => {
    server = await serverWith([send, route("getVersions", () => raw('{"b":1,"a":1.0}'))]);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "nonsense;;",
      undefined,
    ]) {
      const headers = { ...asAlice, ...(type ? { "content-type": type } : {}) };
      const answer = await inject({ method: "PUT", url: SEND, headers, payload: '{"n":"1"}' });
      expect(answer).toMatchObject({ status: 200, body: { body: { n: "1" } } });
    }
    const text = await server.app.inject({ url: "/_matrix/client/versions" });
    expect(text.body).toBe('{"b":1,"a":1.0}');
  });

  test("handlers choose status, headers and streams", async () => {
    server = await serverWith([
      route("getVersions", () =>
        json({ a: 1 }, { status: 202, headers: { vary: "Authorization" } }),
      ),
      route("getContent", () =>
        binary(Readable.from(["ab", "cd"]), { headers: { "content-type": "text/css" } }),
      ),
      route("uploadContent", async ({ body }) => {
        let length = 0;
        for await (const chunk of body) length += (chunk as Buffer).length;
        return { content_uri: `mxc://here.test/${length}` };
      }),
    ]);
    expect(await inject({ url: "/_matrix/client/versions" })).toMatchObject({
      status: 202,
      headers: { vary: "Authorization" },
    });
    const file = await inject({ url: "/_matrix/media/v3/download/here.test/x" });
    expect(file).toMatchObject({ body: "abcd", headers: { "content-type": "text/css" } });
    const upload = await inject({
      method: "POST",
      url: "/_matrix/media/v3/upload",
      headers: { ...asAlice, "content-type": "image/png" },
      payload: Buffer.alloc(3_000_000),
    });
    expect(upload.body).toEqual({ content_uri: "mxc://here.test/3000000" });
  });

  test("account data may hold fractions", async () => {
    server = await serverWith([route("setRoomTag", ({ body }) => ({ body }))]);
    const answer = await inject({
      method: "PUT",
      url: "/_matrix/client/v3/user/@alice:here.test/rooms/!r:here.test/tags/u.x",
      headers: asAlice,
      payload: '{"order":0.25}',
    });
    expect(answer).toMatchObject({ status: 200, body: { body: { order: 0.25 } } });
  });

  test("too many requests of one kind are told to wait", async () => {
    server = await serverWith([send], { limited: true });
    const answers = [];
    for (let count = 0; count < 65; count++) {
      answers.push(await inject({ method: "PUT", url: SEND, headers: asAlice, payload: "{}" }));
    }
    expect(answers[0]?.status).toBe(200);
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { errcode: "M_LIMIT_EXCEEDED" } });
  });
});

describe("life", () => {
  test("health follows the server's, and metrics name the operations", async () => {
    let reason: string | undefined = "no database";
    server = await serverWith([route("getVersions", () => ({}))], { health: () => reason });
    expect(await inject({ url: "/_weft/health" })).toMatchObject({ status: 503, body: { reason } });
    reason = undefined;
    expect(await inject({ url: "/_weft/health" })).toMatchObject({
      status: 200,
      body: { status: "ok" },
    });
    await inject({ url: "/_matrix/client/versions" });
    const metrics = await inject({ url: "/_weft/metrics" });
    expect(metrics.body).toContain(
      'weft_http_request_seconds_count{operation="getVersions",status="200"} 1',
    );
  });

  test("closing answers waiting long-polls and then refuses connections", async () => {
    const waits = Promise.withResolvers<void>();
    server = await serverWith([
      route("sync", async ({ signal }) => {
        waits.resolve();
        await once(signal, "abort");
        return { next_batch: "s1" };
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const base = `http://127.0.0.1:${port}`;
    const poll = fetch(`${base}/_matrix/client/v3/sync?timeout=30000`, { headers: asAlice });
    await waits.promise;
    await server.close(2000);
    expect(await (await poll).json()).toEqual({ next_batch: "s1" });
    await expect(fetch(base)).rejects.toThrow();
  });

  test("the signal aborts when the client goes away", async () => {
    const aborted = Promise.withResolvers<void>();
    const waits = Promise.withResolvers<void>();
    server = await serverWith([
      route("sync", async ({ signal }) => {
        waits.resolve();
        await once(signal, "abort");
        aborted.resolve();
        return {};
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const away = new AbortController();
    const url = `http://127.0.0.1:${port}/_matrix/client/v3/sync`;
    const poll = fetch(url, { headers: asAlice, signal: away.signal }).catch(() => undefined);
    await waits.promise;
    away.abort();
    await Promise.all([poll, aborted.promise]);
  });
});
