/** The account's page, and what apps may do once it was confirmed there. (Client-server API, "Account management".) */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { makeIdentity } from "../users/keys/devices.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import {
  allow,
  authorizePath,
  exchange,
  openBrowser,
  registerClient,
  SCOPE,
  type TestBrowser,
} from "./support.ts";

let t: TestApi;
let clientId: string;
beforeAll(async () => {
  t = await openApi();
  clientId = await registerClient(t);
});
afterAll(() => t.close());

const crossSigningUpload = (userId: string, seed: number) =>
  makeIdentity(userId as UserId, String(seed)).keys;
const ACCOUNT = "/_weft/account";
const action = (name: string, more = {}) =>
  `${ACCOUNT}?${new URLSearchParams({ action: name, ...more }).toString()}`;

async function someone(
  name: string,
): Promise<{ browser: TestBrowser; userId: string; token: string }> {
  const { user_id: userId, access_token: token } = await t.register(name);
  const browser = openBrowser(t);
  await browser.signIn(name, "pw");
  return { browser, userId, token };
}

async function signInApp(browser: TestBrowser, deviceId: string): Promise<string> {
  const code = await allow(browser, authorizePath(clientId, { scope: SCOPE + deviceId }));
  return (await exchange(t, clientId, code)).body.access_token;
}

test("the metadata names the page and its actions, and so does the well-known file", async () => {
  const { body } = await t.call("GET", "/_matrix/client/v1/auth_metadata");
  expect(body.account_management_uri).toBe("https://matrix.here.test/_weft/account");
  expect(body.account_management_actions_supported).toEqual(
    expect.arrayContaining([
      "org.matrix.profile",
      "org.matrix.devices_list",
      "org.matrix.device_view",
      "org.matrix.device_delete",
      "org.matrix.account_deactivate",
      "org.matrix.cross_signing_reset",
    ]),
  );
  const { body: known } = await t.call("GET", "/.well-known/matrix/client");
  expect(known["org.matrix.msc2965.authentication"]).toEqual({
    issuer: "https://matrix.here.test/",
    account: "https://matrix.here.test/_weft/account",
  });
});

test("who is not signed in signs in first, and comes to the action", async () => {
  await t.register("eve");
  const browser = openBrowser(t);
  const { location } = await browser.get(action("org.matrix.device_view", { device_id: "D" }));
  const next = new URL(location, "http://x").searchParams.get("next")!;
  expect((await browser.signIn("eve", "pw", next)).location).toBe(
    action("org.matrix.device_view", { device_id: "D" }),
  );
});

test("the display name is changed", async () => {
  const { browser, userId } = await someone("ann");
  const page = await browser.get(action("org.matrix.profile"));
  const done = await browser.send(page, `${ACCOUNT}/profile`, { displayname: "Ann <3" });
  expect(done.status).toBe(303);
  expect((await browser.get(done.location)).body).toContain("Saved.");
  expect((await browser.get(done.location)).body).toContain('value="Ann &lt;3"');
  expect(t.told).toContain(`profile ${userId}`);
  const bad = await browser.send(page, `${ACCOUNT}/profile`, { displayname: "x".repeat(10_000) });
  expect([bad.status, bad.body.includes('role="alert"')]).toEqual([400, true]);
});

test("the password is changed with the old one, and what it opened ends", async () => {
  const { browser, token } = await someone("pat");
  const other = openBrowser(t);
  await other.signIn("pat", "pw");
  const page = await browser.get(action("org.matrix.profile"));
  const change = (fields: object) =>
    browser.send(page, `${ACCOUNT}/password`, {
      password: "pw",
      new_password: "a new one",
      new_password_again: "a new one",
      ...fields,
    });
  expect((await change({ password: "wrong" })).status).toBe(403);
  expect((await change({ new_password_again: "differs" })).status).toBe(400);
  const done = await change({ end_sessions: "yes" });
  expect((await browser.get(done.location)).body).toContain("The password is changed.");
  expect((await t.call("GET", "account/whoami", undefined, token)).status).toBe(401);
  expect((await other.get(ACCOUNT)).status).toBe(303);
  expect((await openBrowser(t).signIn("pat", "pw")).status).toBe(403);
  expect((await openBrowser(t).signIn("pat", "a new one")).status).toBe(303);
});

describe("sessions", () => {
  test("are listed, shown, renamed and signed out", async () => {
    const { browser } = await someone("sam");
    const token = await signInApp(browser, "APP");
    const list = await browser.get(action("org.matrix.devices_list"));
    expect(list.body).toContain("An app");
    const page = await browser.get(action("org.matrix.device_view", { device_id: "APP" }));
    expect(page.body).toContain("<code>APP</code>");
    const renamed = await browser.send(page, `${ACCOUNT}/session`, {
      display_name: "My app",
      decision: "rename",
    });
    expect((await browser.get(renamed.location)).body).toContain("<h1>My app</h1>");
    const end = await browser.get(action("org.matrix.device_delete", { device_id: "APP" }));
    const ended = await browser.send(end, `${ACCOUNT}/session`, { decision: "end" });
    expect((await browser.get(ended.location)).body).toContain("The session is signed out.");
    expect((await t.call("GET", "account/whoami", undefined, token)).status).toBe(401);
    expect(t.told).toContain("removed @sam:here.test APP");
    const gone = await browser.get(action("org.matrix.device_view", { device_id: "APP" }));
    expect(gone.status).toBe(404);
    expect((await browser.send(end, `${ACCOUNT}/session`, { decision: "end" })).status).toBe(404);
  });

  test("of others are nobody's", async () => {
    const { browser } = await someone("mallory");
    const victim = await someone("victim");
    const token = await signInApp(victim.browser, "VICTIM");
    const page = await browser.get(ACCOUNT);
    const fields = { device_id: "VICTIM", decision: "end" };
    expect((await browser.send(page, `${ACCOUNT}/session`, fields)).status).toBe(404);
    expect((await t.call("GET", "account/whoami", undefined, token)).status).toBe(200);
  });

  test.each(["sessions_list", "org.matrix.sessions_list", "org.matrix.session_view"])(
    "are found under their older name %s, too",
    async (name) => {
      const { browser } = await someone(`older-${name.length}`);
      expect((await browser.get(action(name))).body).toContain("<h1>Sessions</h1>");
    },
  );
});

test("an unknown action leads to everything", async () => {
  const { browser } = await someone("una");
  for (const path of [ACCOUNT, action("org.example.other")]) {
    const { status, body } = await browser.get(path);
    expect([status, body.includes("<h1>Your account</h1>")]).toEqual([200, true]);
  }
});

test("the account is closed with the password, and erased where that is wished", async () => {
  const { browser, token } = await someone("gus");
  const page = await browser.get(action("org.matrix.account_deactivate"));
  const close = (password: string) =>
    browser.send(page, `${ACCOUNT}/deactivate`, { password, erase: "yes" });
  expect((await close("wrong")).status).toBe(403);
  expect((await close("pw")).body).toContain("The account is closed");
  expect((await t.call("GET", "account/whoami", undefined, token)).status).toBe(401);
  expect(t.told).toContain("erased @gus:here.test");
  expect((await browser.get(ACCOUNT)).status).toBe(303);
});

describe("new cross-signing keys", () => {
  const upload = (token: string, body: object) =>
    t.call("POST", "keys/device_signing/upload", body, token);

  test("of a session by OAuth are confirmed on the page, each time", async () => {
    const { browser, userId } = await someone("kim");
    const token = await signInApp(browser, "KIM");
    expect((await upload(token, crossSigningUpload(userId, 1))).status).toBe(200);
    const second = crossSigningUpload(userId, 2);
    const asked = await upload(token, second);
    expect(asked.status).toBe(401);
    const url = `https://matrix.here.test${action("org.matrix.cross_signing_reset")}`;
    expect(asked.body).toEqual({
      flows: [{ stages: ["m.oauth"] }, { stages: ["org.matrix.cross_signing_reset"] }],
      params: { "m.oauth": { url }, "org.matrix.cross_signing_reset": { url } },
      session: expect.any(String),
    });
    const { session } = asked.body;
    const again = () => upload(token, { ...second, auth: { session } });
    expect((await again()).status).toBe(401);
    // The password is not for apps that sign in by OAuth.
    const auth = { type: "m.login.password", user: "kim", password: "pw", session };
    expect((await upload(token, { ...second, auth })).status).toBe(401);

    const page = await browser.get(new URL(url).pathname + new URL(url).search);
    const confirm = (password: string) =>
      browser.send(page, `${ACCOUNT}/cross-signing`, { password });
    expect((await confirm("wrong")).status).toBe(403);
    expect((await again()).status).toBe(401);
    expect((await browser.get((await confirm("pw")).location)).body).toContain("Allowed.");
    expect((await again()).status).toBe(200);
    const third = crossSigningUpload(userId, 3);
    const next = await upload(token, third);
    expect(next.status).toBe(401);

    // It is good for ten minutes; the older name of the stage is as good.
    await confirm("pw");
    t.clock.advance(10 * 60_000);
    const type = "org.matrix.cross_signing_reset";
    const late = { ...third, auth: { type, session: next.body.session } };
    expect((await upload(token, late)).status).toBe(401);
    await confirm("pw");
    expect((await upload(token, late)).status).toBe(200);
  });

  test("of any other session are confirmed by password", async () => {
    const { userId, token } = await someone("lee");
    await upload(token, crossSigningUpload(userId, 1));
    const asked = await upload(token, crossSigningUpload(userId, 2));
    expect([asked.status, asked.body.flows]).toEqual([401, [{ stages: ["m.login.password"] }]]);
  });
});
