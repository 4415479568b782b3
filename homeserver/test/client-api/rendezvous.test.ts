/** Rendezvous of two devices, one of which is to be signed in with a QR code. (MSC4108, MSC4388.) */
import { logger } from "matrix-js-sdk/lib/logger.js";
import { MSC4108RendezvousSession } from "matrix-js-sdk/lib/rendezvous/index.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import type { Body } from "../support/user.ts";
import { openApi, type TestApi } from "./support.ts";

let server: TestServer;
/** Another server, whose clock stands still. */
let api: TestApi;

beforeAll(async () => {
  // The logger is loglevel's, though its type does not say so.
  (logger as unknown as { disableAll(): void }).disableAll();
  [server, api] = await Promise.all([startServer(), openApi()]);
});

afterAll(() => Promise.all([server.close(), api.close()]));

const pathIn = (url: string) => new URL(url).pathname.replace("//", "/");

const JSON_PATH = "/_matrix/client/unstable/io.element.msc4388/rendezvous";
const TEXT_PATH = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";

async function ask(method: string, rest = "", body?: unknown, headers = {}) {
  const response = await fetch(`${server.baseUrl}${JSON_PATH}${rest}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

const text = (method: string, url: string, body?: string, headers: Record<string, string> = {}) =>
  fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "text/plain" }), ...headers },
    ...(body === undefined ? {} : { body }),
  });

async function openText(data = "hello"): Promise<{ url: string; etag: string }> {
  const made = await text("POST", server.baseUrl + TEXT_PATH, data);
  expect(made.status).toBe(201);
  return { url: ((await made.json()) as Body).url, etag: made.headers.get("etag")! };
}

test("two devices write to one another in turn, each knowing what it has read", async () => {
  expect(await ask("GET")).toEqual({ status: 200, body: { create_available: true } });
  const { body: made } = await ask("POST", "", { data: "from A" });
  expect(made).toEqual({
    id: expect.stringMatching(/^[A-Za-z0-9]{24}$/),
    sequence_token: expect.any(String),
    expires_in_ms: expect.any(Number),
  });
  expect(made.expires_in_ms).toBeGreaterThan(290_000);
  const seen = await ask("GET", `/${made.id}`);
  expect(seen.body).toMatchObject({ data: "from A", sequence_token: made.sequence_token });
  const { sequence_token } = seen.body;
  const written = await ask("PUT", `/${made.id}`, { sequence_token, data: "from B" });
  expect(written.body).toEqual({ sequence_token: expect.any(String) });
  expect(written.body.sequence_token).not.toBe(sequence_token);
  expect((await ask("GET", `/${made.id}`)).body).toMatchObject({ data: "from B", ...written.body });
});

test("of two who write at once one is told so; who repeats a request is answered alike", async () => {
  const { body: made } = await ask("POST", "", { data: "" });
  const { sequence_token } = made;
  const answers = await Promise.all(
    ["one", "two"].map((data) => ask("PUT", `/${made.id}`, { sequence_token, data })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
  const refused = answers.find(({ status }) => status === 409)!;
  expect(refused.body.errcode).toBe("IO_ELEMENT_MSC4388_CONCURRENT_WRITE");
  const { data } = (await ask("GET", `/${made.id}`)).body;
  const first = answers.find(({ status }) => status === 200)!;
  expect(await ask("PUT", `/${made.id}`, { sequence_token, data })).toEqual(first);
  // The same data again is another write.
  const again = await ask("PUT", `/${made.id}`, { ...first.body, data });
  expect(again.body.sequence_token).not.toBe(first.body.sequence_token);
});

test("it ends by DELETE, and after five minutes", async () => {
  const { body: made } = await ask("POST", "", { data: "x" });
  expect(await ask("DELETE", `/${made.id}`)).toEqual({ status: 200, body: {} });
  for (const [method, body] of [
    ["GET", undefined],
    ["PUT", { sequence_token: made.sequence_token, data: "y" }],
    ["DELETE", undefined],
  ] as const) {
    const answer = await ask(method, `/${made.id}`, body);
    expect([answer.status, answer.body.errcode]).toEqual([404, "M_NOT_FOUND"]);
  }
  const { body } = await api.call("POST", JSON_PATH, { data: "x" });
  const headers = { "content-type": "text/plain", "content-length": "1" };
  const old = await api.inject({ method: "POST", url: TEXT_PATH, headers, payload: "x" });
  const oldPath = pathIn(old.body.url);
  api.clock.advance(299_000);
  expect((await api.call("GET", `${JSON_PATH}/${body.id}`)).body.expires_in_ms).toBe(1000);
  expect((await api.inject({ method: "GET", url: oldPath })).status).toBe(200);
  api.clock.advance(1_000);
  expect((await api.call("GET", `${JSON_PATH}/${body.id}`)).status).toBe(404);
  expect((await api.inject({ method: "GET", url: oldPath })).status).toBe(404);
});

test("older clients write texts, by their ETags", async () => {
  const { url, etag } = await openText();
  expect(new URL(url).origin).toBe(server.baseUrl);
  const first = await text("GET", url);
  expect(Object.fromEntries(first.headers)).toMatchObject({
    etag,
    "content-type": "text/plain",
    "cache-control": "no-store",
    pragma: "no-cache",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": expect.stringContaining("ETag"),
  });
  expect(await first.text()).toBe("hello");
  const lasts = Date.parse(first.headers.get("expires")!) - Date.now();
  expect(lasts).toBeGreaterThan(290_000);
  expect(Date.parse(first.headers.get("last-modified")!)).toBeLessThanOrEqual(Date.now());

  const unchanged = await text("GET", url, undefined, { "if-none-match": etag });
  expect([unchanged.status, unchanged.headers.get("etag")]).toEqual([304, etag]);
  const written = await text("PUT", url, "grüße", { "if-match": etag });
  const next = written.headers.get("etag")!;
  expect(written.status).toBe(202);
  expect(next).not.toBe(etag);
  const late = await text("PUT", url, "too late", { "if-match": etag });
  expect([late.status, late.headers.get("etag")]).toEqual([412, next]);
  expect(await late.json()).toMatchObject({
    errcode: "M_UNKNOWN",
    "org.matrix.msc4108.errcode": "M_CONCURRENT_WRITE",
  });
  expect(await (await text("GET", url, undefined, { "if-none-match": etag })).text()).toBe("grüße");
  expect((await text("DELETE", url)).status).toBe(204);
  expect((await text("GET", url)).status).toBe(404);
  expect((await text("DELETE", url)).status).toBe(404);
});

test("a browser may send the headers that it takes, from any page", async () => {
  const { url } = await openText();
  const preflight = await fetch(url, {
    method: "OPTIONS",
    headers: { "access-control-request-method": "PUT", origin: "https://app.example" },
  });
  expect(preflight.headers.get("access-control-allow-headers")).toMatch(/If-Match, If-None-Match/);
  expect(preflight.headers.get("access-control-allow-methods")).toMatch(/PUT, DELETE/);
});

test("what strangers left is not shown as a page", async () => {
  const headers = { "content-type": "text/plain", "content-length": "3" };
  const { body } = await api.inject({ method: "POST", url: TEXT_PATH, headers, payload: "<b>" });
  const { body: made } = await api.call("POST", JSON_PATH, { data: "<b>" });
  for (const url of [pathIn(body.url), `${JSON_PATH}/${made.id}`]) {
    for (const more of [{ "sec-fetch-mode": "navigate" }, { "sec-fetch-dest": "document" }]) {
      const answer = await api.inject({ method: "GET", url, headers: more });
      expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    }
    const fromApp = { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" };
    const answer = await api.inject({ method: "GET", url, headers: fromApp });
    expect([answer.status, answer.headers["x-content-type-options"]]).toEqual([200, "nosniff"]);
  }
});

const long = "x".repeat(4_097);
test("bad input is refused with the protocol's codes", async () => {
  const codeOf = async (response: Response) =>
    `${response.status} ${((await response.json()) as Body).errcode}`;
  const { url, etag } = await openText();
  const post = server.baseUrl + TEXT_PATH;
  expect(await codeOf(await text("POST", post, long))).toBe("413 M_TOO_LARGE");
  expect(await codeOf(await text("PUT", url, long, { "if-match": etag }))).toBe("413 M_TOO_LARGE");
  expect(await codeOf(await text("PUT", url, "x"))).toBe("400 M_MISSING_PARAM");
  for (const wrong of ["token", "*", `W/${etag}`, `${etag}, "x"`]) {
    expect(await codeOf(await text("PUT", url, "x", { "if-match": wrong }))).toBe(
      "400 M_INVALID_PARAM",
    );
  }
  const html = { "content-type": "text/html" };
  expect(await codeOf(await text("POST", post, "x", html))).toBe("400 M_INVALID_PARAM");
  expect(await (await text("GET", url)).text()).toBe("hello");

  const { body: made } = await ask("POST", "", { data: "ä".repeat(2_048) });
  const { sequence_token } = made;
  const wrong: [string, string, unknown, string][] = [
    ["POST", "", { data: "ä".repeat(2_049) }, "413 M_TOO_LARGE"],
    ["POST", "", { data: 5 }, "400 M_BAD_JSON"],
    ["POST", "", {}, "400 M_MISSING_PARAM"],
    ["PUT", `/${made.id}`, { sequence_token, data: long }, "413 M_TOO_LARGE"],
    ["PUT", `/${made.id}`, { data: "x" }, "400 M_MISSING_PARAM"],
    [
      "PUT",
      `/${made.id}`,
      { sequence_token: "other", data: "x" },
      "409 IO_ELEMENT_MSC4388_CONCURRENT_WRITE",
    ],
    ["GET", "/nowhere", undefined, "404 M_NOT_FOUND"],
    ["GET", `/${"x".repeat(300)}`, undefined, "400 M_INVALID_PARAM"],
  ];
  for (const [method, rest, body, code] of wrong) {
    const answer = await ask(method, rest, body);
    expect(`${answer.status} ${answer.body.errcode}`).toBe(code);
  }
  expect((await ask("GET", `/${made.id}`)).body.data).toBe("ä".repeat(2_048));
});

test("matrix-js-sdk's own sessions meet here", async () => {
  const one = new MSC4108RendezvousSession({ fallbackRzServer: server.baseUrl + TEXT_PATH });
  await one.send("");
  const two = new MSC4108RendezvousSession({ url: one.url! });
  expect(await two.receive()).toBe("");
  await two.send("initiate");
  expect(await one.receive()).toBe("initiate");
  await one.send("ok");
  expect(await two.receive()).toBe("ok");
  await one.close();
});
