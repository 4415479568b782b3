/** What new users agree to, and the puzzles that they solve. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../src/platform/logger.ts";
import { agreedTermsOf } from "../../src/storage/oauth/agreed-terms.ts";
import { createCaptcha } from "../../src/users/common/captcha.ts";
import type { Policy } from "../../src/users/common/terms.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import { openBrowser } from "../oauth-api/support.ts";
import { id } from "../users/support.ts";

let t: TestApi;
let service: Server;
const agent = new Agent();
/** What the service for puzzles was asked, and what it answers. */
let asked: Record<string, string>[] = [];
let answer = { status: 200, text: "" };

const english = { name: "Terms", url: "https://here.test/terms" };
const german = { name: "Bedingungen", url: "https://here.test/de" };
const POLICIES: Policy[] = [
  {
    id: "terms",
    version: "1.2",
    texts: new Map([
      ["en", english],
      ["de", german],
    ]),
  },
  {
    id: "privacy",
    version: "7",
    texts: new Map([["fr", { name: "Vie privée", url: "https://here.test/vie" }]]),
  },
];

beforeAll(async () => {
  service = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      asked.push(Object.fromEntries(new URLSearchParams(text)));
      const isRight = new URLSearchParams(text).get("response") === "right";
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(answer.text || JSON.stringify({ success: isRight }));
    });
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  const verifyUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}/verify?x=1`;
  const settings = { kind: "hcaptcha", siteKey: "a-key", secret: "hush", verifyUrl } as const;
  const captcha = createCaptcha({ settings, agent, logger: silentLogger() });
  t = await openApi({ policies: POLICIES, captcha });
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, text: "" };
});
afterAll(async () => {
  await t.close();
  await agent.destroy();
  service.close();
});

const register = (username: string, auth?: object) =>
  t.call("POST", "register", { username, password: "pw", ...(auth && { auth }) });
const fallback = (stage: string, session = "") =>
  `/_matrix/client/v3/auth/${stage}/fallback/web${session && `?session=${session}`}`;

test("an app is told what there is, and passes it stage by stage", async () => {
  const { status, body } = await register("anna");
  expect(status).toBe(401);
  expect(body.flows).toEqual([{ stages: ["m.login.recaptcha", "m.login.terms", "m.login.dummy"] }]);
  expect(body.params).toEqual({
    "m.login.recaptcha": { public_key: "a-key" },
    "m.login.terms": {
      policies: {
        terms: { version: "1.2", en: english, de: german },
        privacy: { version: "7", fr: { name: "Vie privée", url: "https://here.test/vie" } },
      },
    },
  });
  const { session } = body;
  const pass = (type: string, more = {}) => register("anna", { type, session, ...more });
  const early = await pass("m.login.dummy");
  expect([early.status, early.body.completed]).toEqual([401, ["m.login.dummy"]]);
  const wrong = await pass("m.login.recaptcha", { response: "wrong" });
  expect([wrong.status, wrong.body.errcode]).toEqual([401, "M_CAPTCHA_INVALID"]);
  const none = await pass("m.login.recaptcha");
  expect([none.status, none.body.errcode]).toEqual([401, "M_CAPTCHA_NEEDED"]);
  expect((await pass("m.login.recaptcha", { response: "right" })).status).toBe(401);
  expect(asked[1]).toMatchObject({ secret: "hush", response: "right", remoteip: "127.0.0.1" });
  const done = await pass("m.login.terms");
  expect([done.status, done.body.user_id]).toEqual([200, id("anna")]);
  expect(await agreedTermsOf(t.sql, id("anna"))).toEqual({ terms: "1.2", privacy: "7" });
});

test("a service that is away, or answers nonsense, opens no account and ends nothing", async () => {
  const { session } = (await register("ben")).body;
  const auth = { type: "m.login.recaptcha", session, response: "right" };
  for (const bad of [
    { status: 500, text: "{}" },
    { status: 200, text: "nonsense" },
    { status: 200, text: `"${"x".repeat(100_000)}"` },
    { status: 200, text: "[true]" },
  ]) {
    answer = bad;
    const { status, body } = await register("ben", auth);
    expect([status, body.errcode]).toEqual([502, "M_CONNECTION_FAILED"]);
  }
  answer = { status: 200, text: '{"success": "true"}' };
  expect((await register("ben", auth)).body.errcode).toBe("M_CAPTCHA_INVALID");
  answer = { status: 200, text: "" };
  expect((await register("ben", auth)).body.completed).toEqual(["m.login.recaptcha"]);
});

test("an app that knows neither sends people to pages", async () => {
  const { session } = (await register("carl")).body;
  const browser = openBrowser(t);
  const terms = await browser.get(fallback("m.login.terms", session));
  expect(terms.body).toContain('href="https://here.test/terms"');
  const no = await browser.send(terms, fallback("m.login.terms"), {});
  expect(no.status).toBe(400);
  expect(no.body).toContain("Agree to the terms first");
  const yes = await browser.send(terms, fallback("m.login.terms"), { agreed: "yes" });
  expect([yes.status, yes.headers["cross-origin-opener-policy"]]).toEqual([200, "unsafe-none"]);
  expect(yes.body).toContain("authDone");

  const puzzle = await browser.get(fallback("m.login.recaptcha", session));
  expect(puzzle.body).toContain('<div class="h-captcha" data-sitekey="a-key">');
  expect(puzzle.body).toContain('src="https://js.hcaptcha.com/1/api.js"');
  expect(puzzle.headers["content-security-policy"]).toContain(
    "script-src https://hcaptcha.com https://*.hcaptcha.com; frame-src https://hcaptcha.com",
  );
  const send = (response: string) =>
    browser.send(puzzle, fallback("m.login.recaptcha"), { "h-captcha-response": response });
  expect((await send("wrong")).status).toBe(401);
  expect((await send("right")).status).toBe(200);
  const { body } = await register("carl", { session });
  expect(body.completed).toEqual(["m.login.terms", "m.login.recaptcha"]);
  const done = await register("carl", { type: "m.login.dummy", session });
  expect(done.body.user_id).toBe(id("carl"));
});

test("pages are for sessions that register, and for stages that there are", async () => {
  const browser = openBrowser(t);
  expect((await browser.get(fallback("m.login.terms", "weft_s_x"))).status).toBe(403);
  expect((await browser.get(fallback("m.login.dummy", "weft_s_x"))).status).toBe(404);
  const page = await browser.get("/_weft/account/sign-in");
  const sent = await browser.send(page, fallback("m.login.terms"), { agreed: "yes" });
  expect(sent.status).toBe(403);
  const stranger = openBrowser(t);
  const forged = await stranger.send(page, fallback("m.login.terms"), { agreed: "yes" });
  expect(forged.status).toBe(403);
});

test("the page for registering asks for both, in the language of its browser", async () => {
  const browser = openBrowser(t);
  const at = "/_weft/account/register";
  const german = await t.inject({
    method: "GET",
    url: at,
    headers: { "accept-language": "en;q=0.5, de-CH, *;q=0.1" },
  });
  expect(german.body).toContain("Bedingungen");
  expect(german.body).toContain("Vie privée");
  const page = await browser.get(at);
  expect(page.body).toContain(">Terms</a>");
  const form = { username: "dora", password: "pw", password_again: "pw" };
  const send = (more: Record<string, string>) => browser.send(page, at, { ...form, ...more });
  expect((await send({ "h-captcha-response": "right" })).body).toContain("Agree to the terms");
  expect((await send({ agreed: "yes" })).body).toContain("Solve the puzzle first");
  expect((await send({ agreed: "yes", "h-captcha-response": "wrong" })).status).toBe(401);
  expect(await t.users.accounts.exists(id("dora"))).toBe(false);
  expect((await send({ agreed: "yes", "h-captcha-response": "right" })).status).toBe(303);
  expect(await agreedTermsOf(t.sql, id("dora"))).toEqual({ terms: "1.2", privacy: "7" });
});
