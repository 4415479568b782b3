/** The server's own pages: who is signed in, and what other sites cannot do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { memoryFailures } from "../../src/cluster/failures.ts";
import { createManualClock } from "../../src/platform/clock.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import { START } from "../users/support.ts";
import {
  authorizePath,
  hiddenIn,
  openBrowser,
  postForm,
  registerClient,
  type TestBrowser,
} from "./support.ts";

let t: TestApi;
let clientId: string;
beforeAll(async () => {
  t = await openApi();
  await t.register("alice");
  clientId = await registerClient(t);
});
afterAll(() => t.close());

const SIGN_IN = "/_weft/account/sign-in";

async function signedIn(): Promise<TestBrowser> {
  const browser = openBrowser(t);
  await browser.signIn("alice", "pw");
  return browser;
}

test("no page has a script, may be framed, is kept, or is read by other sites", async () => {
  const browser = await signedIn();
  const pages = [
    await openBrowser(t).get(SIGN_IN),
    await openBrowser(t).get("/_weft/account/register"),
    await browser.get(authorizePath(clientId)),
    await browser.get(authorizePath("nobody")),
  ];
  for (const { headers, body } of pages) {
    expect(body).not.toMatch(/<script|javascript:| on\w+=| style=/i);
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({
      "x-frame-options": "DENY",
      "cache-control": "no-store",
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  }
});

test("their style has the colours and measures of the web client", async () => {
  const style = await t.inject({ method: "GET", url: "/_weft/account/style.css" });
  expect(style.headers["content-type"]).toBe("text/css; charset=utf-8");
  const path = join(import.meta.dirname, "../../../web-client/src/styles/page.css");
  const original = readFileSync(path, "utf8");
  const tokens = [...style.body.matchAll(/^ {2}(--[\w-]+: .*;)$/gm)].map((match) => match[1]);
  expect(tokens.length).toBeGreaterThan(20);
  expect(tokens.filter((token) => !original.includes(token))).toEqual([]);
});

test("the cookie is kept from scripts, other hosts and other sites, and changes at signing in", async () => {
  const browser = openBrowser(t);
  const page = await browser.get(SIGN_IN);
  const cookie = String(page.headers["set-cookie"]);
  expect(cookie).toMatch(
    /^__Host-weft=weft_b_[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
  );
  const before = browser.cookie;
  await browser.send(page, SIGN_IN, { username: "alice", password: "pw" });
  expect(browser.cookie).not.toBe(before);
  const { body } = await openBrowser(t).get(SIGN_IN);
  expect(body).not.toContain(before);
});

describe("a form", () => {
  const allow = { decision: "allow" };

  test("that another site sends is refused", async () => {
    const browser = await signedIn();
    const page = await browser.get(authorizePath(clientId));
    const send = (fields: object, headers: object) =>
      browser.send(page, "/_weft/oauth/authorize", { ...allow, ...fields }, headers);
    for (const answer of [
      await send({ csrf: "" }, {}),
      await send({ csrf: "AAAA" }, {}),
      await send({}, { "sec-fetch-site": "cross-site" }),
      await send({}, { "sec-fetch-site": "same-site" }),
    ]) {
      expect([answer.status, answer.location]).toEqual([403, ""]);
    }
    const other = openBrowser(t);
    const otherPage = await other.get(SIGN_IN);
    const stolen = await browser.send(page, "/_weft/oauth/authorize", {
      ...allow,
      csrf: hiddenIn(otherPage.body)["csrf"]!,
    });
    expect(stolen.status).toBe(403);
    expect((await send({}, { "sec-fetch-site": "same-origin" })).status).toBe(303);
  });

  test("needs the cookie", async () => {
    const page = await openBrowser(t).get(SIGN_IN);
    const fields = { ...hiddenIn(page.body), username: "alice", password: "pw" };
    expect((await postForm(t, SIGN_IN, fields)).status).toBe(403);
  });

  test("of somebody who has signed out meanwhile does nothing", async () => {
    const browser = await signedIn();
    const consent = await browser.get(authorizePath(clientId));
    const kept = browser.cookie;
    const out = await browser.send(consent, "/_weft/account/sign-out", { next: "/_weft/account" });
    expect(out.location).toContain(SIGN_IN);
    browser.cookie = kept;
    expect((await browser.send(consent, "/_weft/oauth/authorize", allow)).status).toBe(403);
  });
});

test.each([
  "https://evil.example/",
  "//evil.example/_weft/account",
  "/\\evil.example/_weft/account",
  "/_weft/account/../../evil",
  "/_matrix/client/versions",
  "javascript:alert(1)",
  "x".repeat(20_000),
])("signing in never leads to %s", async (next) => {
  const answer = await (next.length > 10_000
    ? openBrowser(t).signIn("alice", "pw", next.slice(0, 12_000))
    : openBrowser(t).signIn("alice", "pw", next));
  expect([answer.status, answer.location]).toEqual([303, "/_weft/account"]);
});

test("what clients and people write is text", async () => {
  const evil = `"><img src=x onerror=alert(1)>'&`;
  const id = await registerClient(t, { client_name: evil });
  const browser = await signedIn();
  const consent = await browser.get(authorizePath(id, { state: evil }));
  expect(consent.status).toBe(200);
  expect(consent.body).not.toContain("<img");
  const page = await openBrowser(t).signIn(evil, "wrong");
  expect(page.status).toBe(403);
  expect(page.body).not.toContain("<img");
  const hint = authorizePath(clientId, { login_hint: "mxid:@alice:here.test" });
  const entry = await openBrowser(t).get((await openBrowser(t).get(hint)).location);
  expect(entry.body).toContain('value="@alice:here.test"');
});

test("wrong passwords are told, and guessing has to wait", async () => {
  const clock = createManualClock(START);
  const counted = await openApi({ failures: memoryFailures(clock) });
  await counted.register("alice");
  let last = await openBrowser(counted).signIn("alice", "wrong");
  expect([last.status, last.body.includes("is wrong")]).toEqual([403, true]);
  for (let i = 0; i < 6; i += 1) last = await openBrowser(counted).signIn("alice", "wrong");
  expect([last.status, Number(last.headers["retry-after"]) > 0]).toEqual([429, true]);
  await counted.close();
});

test("a session of a browser ends after two weeks, and with the account", async () => {
  const browser = await signedIn();
  const path = authorizePath(clientId);
  expect((await browser.get(path)).status).toBe(200);
  t.clock.advance(14 * 86_400_000);
  expect((await browser.get(path)).status).toBe(303);
  const { access_token: token } = await t.register("dora");
  const doras = openBrowser(t);
  await doras.signIn("dora", "pw");
  const auth = { type: "m.login.password", user: "dora", password: "pw" };
  await t.call("POST", "account/deactivate", { auth }, token);
  expect((await doras.get(path)).status).toBe(303);
  expect((await doras.signIn("dora", "pw")).status).toBe(403);
});

describe("signing in again", () => {
  const form = { username: "alice", password: "pw" };

  test.each(["login", "select_account", "consent login"])(
    "is what an app can ask for with %s, whoever is signed in",
    async (prompt) => {
      const browser = openBrowser(t);
      await browser.send(await browser.get(SIGN_IN), SIGN_IN, form);
      const path = authorizePath(clientId, { prompt });
      const first = await browser.get(path);
      expect([first.status, first.location.startsWith(SIGN_IN)]).toEqual([303, true]);
      const page = await browser.get(first.location);
      expect([page.status, page.body.includes("Password")]).toEqual([200, true]);
      const wrong = await browser.send(page, SIGN_IN, { ...form, password: "wrong" });
      expect(wrong.status).toBe(403);
      const done = await browser.send(wrong, SIGN_IN, form);
      expect([done.status, done.location.startsWith("/_weft/oauth/authorize?")]).toEqual([
        303,
        true,
      ]);
      // Once is enough.
      const consent = await browser.get(done.location);
      expect([consent.status, consent.body.includes("@alice:here.test")]).toEqual([200, true]);
    },
  );

  test("is asked for once of who is not signed in yet, too", async () => {
    const browser = openBrowser(t);
    const first = await browser.get(authorizePath(clientId, { prompt: "login" }));
    const done = await browser.send(await browser.get(first.location), SIGN_IN, form);
    expect((await browser.get(done.location)).status).toBe(200);
  });

  test("is not asked for by consent alone, nor by nothing", async () => {
    const browser = openBrowser(t);
    await browser.send(await browser.get(SIGN_IN), SIGN_IN, form);
    for (const prompt of ["consent", undefined])
      expect((await browser.get(authorizePath(clientId, { prompt }))).status).toBe(200);
  });
});

describe("registering", () => {
  const REGISTER = "/_weft/account/register";

  test("is where a client asks for it, and leads back to it", async () => {
    const browser = openBrowser(t);
    const path = authorizePath(clientId, { prompt: "create" });
    const first = await browser.get(path);
    expect(first.location.startsWith(REGISTER)).toBe(true);
    const page = await browser.get(first.location);
    const fields = { username: "Newcomer", password: "a password", password_again: "a password" };
    const differ = await browser.send(page, REGISTER, { ...fields, password_again: "other" });
    expect([differ.status, differ.body.includes("differ")]).toEqual([400, true]);
    const done = await browser.send(page, REGISTER, fields);
    expect([done.status, done.location]).toEqual([303, path.replace("&prompt=create", "")]);
    expect((await browser.get(done.location)).body).toContain("@newcomer:here.test");
    const again = await openBrowser(t).get(first.location);
    const taken = openBrowser(t);
    await taken.get(REGISTER);
    expect(again.status).toBe(200);
    const refused = await taken.send(await taken.get(REGISTER), REGISTER, fields);
    expect([refused.status, refused.body.includes("taken")]).toEqual([400, true]);
  });

  test("is also there for who is signed in, if a client asks for it", async () => {
    const browser = openBrowser(t);
    await browser.send(await browser.get(SIGN_IN), SIGN_IN, { username: "alice", password: "pw" });
    const { location } = await browser.get(authorizePath(clientId, { prompt: "create" }));
    expect(location.startsWith(REGISTER)).toBe(true);
    expect((await browser.get(location)).status).toBe(200);
  });

  test("needs a token where the server wants one, and is not there where it is closed", async () => {
    const [byToken, closed] = await Promise.all([
      openApi({ registration: "token" }),
      openApi({ registration: "closed" }),
    ]);
    const { token } = await byToken.users.registrationTokens.create({ usesAllowed: 1 });
    const fields = { username: "tom", password: "a password", password_again: "a password" };
    const browser = openBrowser(byToken);
    const page = await browser.get(REGISTER);
    expect((await browser.send(page, REGISTER, { ...fields, token: "wrong" })).status).toBe(403);
    expect((await browser.send(page, REGISTER, fields)).status).toBe(403);
    expect((await browser.send(page, REGISTER, { ...fields, token })).status).toBe(303);

    expect((await openBrowser(closed).get(REGISTER)).status).toBe(403);
    const entry = await openBrowser(closed).get(SIGN_IN);
    expect(entry.body).not.toContain("Create an account");
    const { body } = await closed.call("GET", "/_matrix/client/v1/auth_metadata");
    expect(body.prompt_values_supported).not.toContain("create");
    await Promise.all([byToken.close(), closed.close()]);
  });
});
