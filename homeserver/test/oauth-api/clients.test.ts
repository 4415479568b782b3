/** Clients that register themselves. (Client-server API, "Client registration".) */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../client-api/support.ts";
import {
  allow,
  authorizePath,
  exchange,
  openBrowser,
  registerClient,
  WEB_CLIENT,
} from "./support.ts";

let t: TestApi;
/** A server that is reached by http. */
let plain: TestApi;
beforeAll(async () => {
  [t, plain] = await Promise.all([openApi(), openApi({ isPlain: true })]);
});
afterAll(() => Promise.all([t.close(), plain.close()]));

const register = (told: object, api = t) => api.call("POST", "/_weft/oauth/register", told);
const NATIVE = { ...WEB_CLIENT, application_type: "native" };

test("a client gets an id, and is told what is known of it", async () => {
  const { status, body } = await register({
    ...WEB_CLIENT,
    "client_name#fr": "Une application",
    policy_uri: "https://about.app.example/policy",
    contacts: ["someone@app.example"],
    grant_types: [...WEB_CLIENT.grant_types, "urn:ietf:params:oauth:grant-type:token-exchange"],
  });
  expect(status).toBe(201);
  expect(body).toEqual({
    ...WEB_CLIENT,
    policy_uri: "https://about.app.example/policy",
    client_id: expect.stringMatching(/^[\w-]{32}$/),
    client_id_issued_at: Math.floor(t.clock.now() / 1000),
  });
});

test("who says the same has the same id", async () => {
  const [one, again, other] = [
    await registerClient(t),
    await registerClient(t),
    await registerClient(t, { client_name: "Other" }),
  ];
  expect(again).toBe(one);
  expect(other).not.toBe(one);
});

test.each([
  "com.example.app:/callback",
  "com.example:/",
  "com.example:callback",
  "http://localhost/callback",
  "http://127.0.0.1/callback",
  "http://[::1]/callback",
  "https://example.com/callback",
  "https://app.example.com:5173/?query=value",
])("a native app may go back to %s", async (uri) => {
  const told = { ...NATIVE, client_uri: "https://example.com/", redirect_uris: [uri] };
  expect((await register(told)).status).toBe(201);
});

test.each([
  ["native", "example:/callback"],
  ["native", "com.example.app://callback"],
  ["native", "com.examples:/callback"],
  ["native", "https://localhost/callback"],
  ["native", "http://localhost:1234/callback"],
  ["native", "http://example.com/"],
  ["native", "javascript:alert(1)"],
  ["web", "com.example.app:/callback"],
  ["web", "http://localhost/callback"],
  ["web", "http://example.com/callback"],
  ["web", "https://example.com/callback#fragment"],
  ["web", "https://example.com/callback#"],
  ["web", "https://user:secret@example.com/"],
  ["web", "https://badexample.com/"],
  ["web", "https://example.org/"],
  ["web", "https://exämple.com/"],
  ["web", "/callback"],
  ["web", "https://example.com/\r\nx: y"],
])("a %s app may not go back to %j", async (applicationType, uri) => {
  const told = { ...WEB_CLIENT, application_type: applicationType };
  const answer = await register({
    ...told,
    client_uri: "https://example.com/",
    redirect_uris: ["https://example.com/good", uri].slice(applicationType === "web" ? 0 : 1),
  });
  expect([answer.status, answer.body.error]).toEqual([400, "invalid_redirect_uri"]);
});

test.each([
  ["nothing", {}],
  ["no address of its own", { client_uri: undefined }],
  ["an address by http", { client_uri: "http://app.example/" }],
  ["an address with a user", { client_uri: "https://me@app.example/" }],
  ["a bare name", { client_uri: "https://app/", redirect_uris: ["https://app/x"] }],
  ["a logo of others", { logo_uri: "https://evil.example/logo.png" }],
  ["a policy by http", { policy_uri: "http://app.example/" }],
  ["a secret", { token_endpoint_auth_method: "client_secret_basic" }],
  ["an unknown type", { application_type: "toaster" }],
  ["nowhere to go back to", { redirect_uris: [] }],
  [
    "too many places",
    { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://app.example/${i}`) },
  ],
  ["no code", { response_types: ["token"] }],
  ["no way to sign in", { grant_types: ["refresh_token"] }],
  ["a long name", { client_name: "x".repeat(200) }],
  ["a name that is none", { client_name: 5 }],
])("a client with %s is refused", async (what, more) => {
  const told = what === "nothing" ? {} : { ...WEB_CLIENT, ...more };
  const answer = await register(told);
  expect([answer.status, answer.body.error]).toEqual([400, "invalid_client_metadata"]);
});

test("a name stands in one line, whatever turns its direction", async () => {
  const { body } = await register({ ...WEB_CLIENT, client_name: " El\u202eement\n\u0007 " });
  expect(body.client_name).toBe("El ement");
});

test("a server without encryption lets clients be without, too", async () => {
  const told = {
    ...WEB_CLIENT,
    client_uri: "http://127.0.0.1:5173/",
    redirect_uris: ["http://127.0.0.1:5173/back"],
  };
  expect((await register(told, plain)).status).toBe(201);
  expect((await register(told)).body.error).toBe("invalid_client_metadata");
  const script = { ...NATIVE, client_uri: "http://javascript/", redirect_uris: ["javascript:x"] };
  expect((await register(script, plain)).body.error).toBe("invalid_redirect_uri");
});

test("on this machine any port will do", async () => {
  const redirect = { redirect_uris: ["http://127.0.0.1/callback"] };
  const clientId = await registerClient(t, { ...NATIVE, ...redirect });
  await t.register("nora");
  const browser = openBrowser(t);
  await browser.signIn("nora", "pw");
  const here = "http://127.0.0.1:43210/callback";
  const code = await allow(browser, authorizePath(clientId, { redirect_uri: here }));
  expect((await exchange(t, clientId, code, { redirect_uri: here })).status).toBe(200);
  for (const wrong of ["http://127.0.0.1:43210/other", "http://localhost/callback"]) {
    const answer = await browser.get(authorizePath(clientId, { redirect_uri: wrong }));
    expect(answer.status).toBe(400);
  }
});

describe("clients that nobody has a session of", () => {
  test("are forgotten when there are too many, and come back with the same id", async () => {
    const unused = await registerClient(t, { client_name: "Unused" });
    const used = await registerClient(t, { client_name: "Used" });
    await t.register("ute");
    const browser = openBrowser(t);
    await browser.signIn("ute", "pw");
    await exchange(t, used, await allow(browser, authorizePath(used)));
    const { metadata } = (await t.sql`SELECT metadata FROM oauth_clients LIMIT 1`)[0]!;
    await t.sql`
      INSERT INTO oauth_clients (client_id, metadata, created_ts, used_ts)
      SELECT 'many-' || n, ${metadata}, 0, ${t.clock.now() + 10} FROM generate_series(1, 11000) n`;
    await registerClient(t, { client_name: "One more" });
    const rows = await t.sql`SELECT count(*)::int AS count FROM oauth_clients`;
    expect(rows[0]!["count"]).toBeLessThanOrEqual(10_010);
    const isKnown = async (id: string) => (await browser.get(authorizePath(id))).status === 200;
    expect([await isKnown(unused), await isKnown(used)]).toEqual([false, true]);
    expect(await registerClient(t, { client_name: "Unused" })).toBe(unused);
  });
});
