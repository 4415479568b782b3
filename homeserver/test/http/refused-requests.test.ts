/** What a request is refused for, and how its path is read. */
import { lastingSession } from "../support/lasting-session.ts";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { errors } from "../../src/protocol/errors.ts";
import { route } from "../../src/http/route.ts";
import { ALICE, asAlice } from "./support.ts";
import { inTime } from "../support/wait.ts";
import { SEND, inject, server, startServer, send } from "./one-server.ts";

describe("errors", () => {
  test("an unknown path is 404, a known path with another method 405, both M_UNRECOGNIZED with CORS", async () => {
    await startServer([send]);
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
      await startServer([send]);
      expect(await inject({ method: "PUT", url: SEND, headers, payload })).toMatchObject({
        status,
        body: { errcode },
        headers: { "access-control-allow-origin": "*" },
      });
    },
  );

  test("an expired token says that signing in again is enough", async () => {
    await startServer([send]);
    const answer = await inject({
      method: "PUT",
      url: `${SEND}?access_token=old-token`,
      payload: "{}",
    });
    expect(answer.body).toMatchObject({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
  });

  test("a token that another replica has ended is refused by the next request", async () => {
    const ended = new Set<string>();
    await startServer([send], {
      async fresh() {
        ended.add("good-token");
      },
      authenticator: {
        byAccessToken(token) {
          if (ended.has(token)) throw errors.unknownToken();
          return ALICE;
        },
        watch: lastingSession,
      },
    });
    const answer = await inject({ method: "PUT", url: SEND, headers: asAlice, payload: "{}" });
    expect(answer).toMatchObject({ status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } });
  });

  test("missing keys are M_MISSING_PARAM and wrong parameters M_INVALID_PARAM", async () => {
    await startServer([
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
    await startServer([
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
    await startServer([
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
    await startServer([]);
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const socket = connect(port, "127.0.0.1");
    socket.write("nonsense\r\n\r\n");
    const [answer] = (await inTime("an answer", once(socket, "data"))) as [Buffer];
    expect(String(answer)).toMatch(
      /^HTTP\/1\.1 400[^]*access-control-allow-origin: \*[^]*M_UNKNOWN/,
    );
  });
});

describe("paths", () => {
  test("a state key may be empty, with or without the last slash", async () => {
    await startServer([
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
    await startServer([send]);
    const url = SEND.replace("/v3/", "/r0/");
    expect(await inject({ method: "PUT", url, headers: asAlice, payload: "{}" })).toMatchObject({
      status: 200,
    });
  });

  test.each(["%zz", "%ff"])("the bad percent-encoding %s is 400 and not 500", async (bad) => {
    await startServer([send]);
    const url = `/_matrix/client/v3/rooms/${bad}/send/m.room.message/t`;
    expect(await inject({ method: "PUT", url, headers: asAlice, payload: "{}" })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
  });

  test("a NUL in a parameter is refused before it reaches a handler", async () => {
    await startServer([send]);
    const options = { method: "PUT", headers: asAlice, payload: "{}" } as const;
    expect(await inject({ ...options, url: `${SEND}%00` })).toMatchObject({
      status: 400,
      body: { errcode: "M_INVALID_PARAM" },
    });
    // What the operation does not know is not looked at.
    expect(await inject({ ...options, url: `${SEND}?unknown=%00` })).toMatchObject({ status: 200 });
  });

  test("doubled slashes are another path", async () => {
    await startServer([send]);
    expect(await inject({ url: "/_matrix//client/versions" })).toMatchObject({ status: 404 });
  });

  test("very long parts of a path are a bad parameter and not an unknown path", async () => {
    await startServer([route("getRoomIdByAlias", () => ({}))]);
    const answer = await inject({ url: `/_matrix/client/v3/directory/room/${"a".repeat(9000)}` });
    expect(answer).toMatchObject({ status: 400, body: { errcode: "M_INVALID_PARAM" } });
  });
});
