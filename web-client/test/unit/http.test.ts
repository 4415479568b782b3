import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "../../src/api/errors.ts";
import { createHttp, expand, type TokenSource } from "../../src/api/http.ts";

type Answer = Response | Error;
const asked: { address: string; init: RequestInit }[] = [];
let script: Answer[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    asked.push({ address, init });
    const answer = script.shift() ?? Response.json({});
    if (answer instanceof Error) throw answer;
    return answer;
  });
});
afterEach(() => void vi.unstubAllGlobals());

const refuse = (status: number, body: object) => Response.json(body, { status });
const headers = (at = 0) => asked[at]?.init.headers;

/** A source that holds this token, and gives these when one was refused. */
function source(token: string | undefined, renewed: (string | undefined | Error)[] = []) {
  const renewals: [string, string][] = [];
  const tokens: TokenSource = {
    current: async () => token,
    renew: async (used, refusal) => {
      renewals.push([used, refusal.errcode]);
      const fresh = renewed.shift();
      if (fresh instanceof Error) throw fresh;
      return fresh;
    },
  };
  return { tokens, renewals };
}

const LEAVE = "/_matrix/client/v3/rooms/{roomId}/leave";
const leave = (tokens?: TokenSource) =>
  createHttp("https://one", tokens).call<"leaveRoom">("POST", LEAVE, {
    path: { roomId: "!a/b:c" },
  });

describe("a request", () => {
  test("goes to the operation's address with the token, and nothing of the browser's", async () => {
    script = [Response.json({ ok: 1 })];
    expect(await leave(source("t").tokens)).toEqual({ ok: 1 });
    expect(asked).toMatchObject([
      {
        address: "https://one/_matrix/client/v3/rooms/!a%2Fb%3Ac/leave",
        init: { method: "POST", body: "{}", credentials: "omit" },
      },
    ]);
    expect(headers()).toEqual({ Authorization: "Bearer t", "Content-Type": "application/json" });
  });

  test("says in which language the server is to write, past a socket", async () => {
    const socket = { $state: { get: () => "open" }, request: vi.fn() };
    const http = createHttp("", source("t").tokens, socket as never);
    await http.call<"leaveRoom">("POST", LEAVE, { path: { roomId: "!a:b" }, language: "de" });
    expect(headers()).toMatchObject({ "Accept-Language": "de" });
    expect(socket.request).not.toHaveBeenCalled();
  });

  test("without a token says nothing of one, and one that only reads has no body", async () => {
    await createHttp("").call<"getLoginFlows">("GET", "/_matrix/client/v3/login", {});
    expect(headers()).toEqual({});
    expect(asked[0]?.init.body).toBeUndefined();
  });

  test("names what it lacks", () => {
    expect(() => expand(LEAVE)).toThrow("No value for {roomId}");
    const query = { a: [1, 2].map(String), b: undefined, c: true, d: "&" };
    expect(expand("/x", {}, query)).toBe("/x?a=1&a=2&c=true&d=%26");
  });

  test("is given up by its signal, which is no failure of the network", async () => {
    script = [new DOMException("", "AbortError")];
    await expect(leave()).rejects.toMatchObject({ name: "AbortError" });
  });

  test("is given up after its time, which is one", async () => {
    script = [new DOMException("", "TimeoutError")];
    const timeout = vi.spyOn(AbortSignal, "timeout");
    await expect(leave()).rejects.toThrow(NetworkError);
    expect(timeout).toHaveBeenCalledWith(60_000);
    timeout.mockRestore();
  });
});

describe("an answer", () => {
  test("that refuses carries the server's code, words and all else", async () => {
    script = [refuse(429, { errcode: "M_LIMIT_EXCEEDED", error: "Slowly", retry_after_ms: 7 })];
    const error: unknown = await leave().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      message: "Slowly",
      status: 429,
      errcode: "M_LIMIT_EXCEEDED",
      retryAfter: 7,
      transient: true,
    });
  });

  test.each([
    ["no JSON", new Response("<html>", { status: 502 }), true],
    ["JSON that is no object", Response.json("no", { status: 500 }), true],
    ["null", Response.json(null, { status: 404 }), false],
  ])(
    "that refuses in %s has no code, and may be worth another try",
    async (_, response, transient) => {
      script = [response];
      await expect(leave()).rejects.toMatchObject({
        errcode: "M_UNKNOWN",
        message: `HTTP ${response.status}`,
        transient,
      });
    },
  );

  test("that breaks off, or is not what it says, is a failure of the network", async () => {
    script = [new Response("{"), new TypeError("Failed to fetch")];
    await expect(leave()).rejects.toThrow(NetworkError);
    await expect(leave()).rejects.toThrow(NetworkError);
  });
});

describe("a token that is refused", () => {
  const unknown = () => refuse(401, { errcode: "M_UNKNOWN_TOKEN" });

  test("is renewed once, and the same request goes again", async () => {
    script = [unknown(), Response.json({ ok: 1 })];
    const { tokens, renewals } = source("old", ["new"]);
    expect(await leave(tokens)).toEqual({ ok: 1 });
    expect(renewals).toEqual([["old", "M_UNKNOWN_TOKEN"]]);
    expect(headers(1)).toMatchObject({ Authorization: "Bearer new" });
    expect(asked[1]?.address).toBe(asked[0]?.address);
  });

  test("stays refused when there is no other, or that one is refused too", async () => {
    script = [unknown(), unknown(), unknown()];
    const { tokens, renewals } = source("old", [undefined, "new"]);
    await expect(leave(tokens)).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    await expect(leave(tokens)).rejects.toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect(renewals).toHaveLength(2);
    expect(asked).toHaveLength(3);
  });

  test("whose renewal fails for now fails for now", async () => {
    script = [unknown()];
    const { tokens } = source("old", [new NetworkError("gone")]);
    await expect(leave(tokens)).rejects.toThrow(NetworkError);
  });

  test("is not asked about where none was sent, or for other reasons", async () => {
    script = [unknown(), refuse(401, { errcode: "M_MISSING_TOKEN" })];
    const none = source(undefined, ["new"]);
    await expect(leave(none.tokens)).rejects.toMatchObject({ status: 401 });
    const other = source("old", ["new"]);
    await expect(leave(other.tokens)).rejects.toMatchObject({ errcode: "M_MISSING_TOKEN" });
    expect([...none.renewals, ...other.renewals]).toEqual([]);
  });
});
