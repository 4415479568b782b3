import { once } from "node:events";
import { Readable } from "node:stream";
import { operationSchemas } from "@weft/spec/schemas";
import { operationIds } from "@weft/spec/operations";
import { describe, expect, test } from "vitest";
import { binary, json, raw } from "../../src/http/reply/reply.ts";
import { route } from "../../src/http/route.ts";
import { type Part, createValidators } from "../../src/http/validate.ts";
import { asAlice, serverWith } from "./support.ts";
import { inTime } from "../support/wait.ts";
import { SEND, inject, server, startServer, send } from "./one-server.ts";

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

describe("answers", () => {
  test("OPTIONS is answered everywhere on the client API, and servers' endpoints get no CORS", async () => {
    await startServer([send]);
    for (const url of [SEND, "/_matrix/client/v3/nothing"]) {
      const answer = await inject({ method: "OPTIONS", url });
      expect(answer.status).toBe(204);
      expect(answer.headers["access-control-allow-headers"]).toContain("Authorization");
    }
    const servers = await inject({ url: "/_matrix/federation/v1/version" });
    expect(servers.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("bodies are read as JSON whatever their content type, and written byte for byte", async () => {
    await startServer([send, route("getVersions", () => raw('{"b":1,"a":1.0}'))]);
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
    await startServer([
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
    await startServer([route("setRoomTag", ({ body }) => ({ body }))]);
    const answer = await inject({
      method: "PUT",
      url: "/_matrix/client/v3/user/@alice:here.test/rooms/!r:here.test/tags/u.x",
      headers: asAlice,
      payload: '{"order":0.25}',
    });
    expect(answer).toMatchObject({ status: 200, body: { body: { order: 0.25 } } });
  });

  test("too many requests of one kind are told to wait", async () => {
    await startServer([send], { limited: true });
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
    await startServer([route("getVersions", () => ({}))], { health: () => reason });
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
    await startServer([
      route("sync", async ({ signal }) => {
        waits.resolve();
        await once(signal, "abort");
        return { next_batch: "s1" };
      }),
    ]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const base = `http://127.0.0.1:${port}`;
    const poll = fetch(`${base}/_matrix/client/v3/sync?timeout=30000`, { headers: asAlice });
    await inTime("the request waits", waits.promise);
    await server.close(2000);
    expect(await (await poll).json()).toEqual({ next_batch: "s1" });
    await expect(fetch(base)).rejects.toThrow();
  });

  test("the signal aborts when the client goes away", async () => {
    const aborted = Promise.withResolvers<void>();
    const waits = Promise.withResolvers<void>();
    await startServer([
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
    await inTime("the request waits", waits.promise);
    away.abort();
    await inTime("the signal aborts", Promise.all([poll, aborted.promise]));
  });
});
