/** Accounts that administrators have locked or suspended, by the OAuth 2.0 API and on the server's own pages. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { openApi, type TestApi } from "../client-api/support.ts";
import {
  allow,
  authorizePath,
  exchange,
  openBrowser,
  postForm,
  refresh,
  registerClient,
  SCOPE,
  type TestBrowser,
} from "./support.ts";

let t: TestApi;
let clientId: string;
let people = 0;
let name: string;
let browser: TestBrowser;
const ROOT = "@root:here.test" as UserId;

beforeAll(async () => {
  t = await openApi();
  clientId = await registerClient(t);
});
afterAll(() => t.close());
beforeEach(async () => {
  people += 1;
  name = `user${people}`;
  await t.register(name);
  browser = openBrowser(t);
  await browser.signIn(name, "pw");
});

const set = (wanted: { locked?: boolean; suspended?: boolean }) =>
  t.users.moderation.change(ROOT, `@${name}:here.test` as UserId, wanted);
const codeFor = (deviceId: string) =>
  allow(browser, authorizePath(clientId, { scope: SCOPE + deviceId }));
const LOCKED = {
  error: "access_denied",
  error_description: "This account is locked",
  errcode: "M_USER_LOCKED",
  soft_logout: true,
};

test("a locked account gets no tokens, and those that it has are good when it is unlocked", async () => {
  const tokens = (await exchange(t, clientId, await codeFor("A"))).body;
  const code = await codeFor("B");
  await set({ locked: true });

  for (const answer of [
    await refresh(t, clientId, tokens.refresh_token),
    await exchange(t, clientId, code),
  ]) {
    expect([answer.status, answer.body]).toEqual([401, LOCKED]);
  }
  const whoami = () => t.call("GET", "account/whoami", undefined, tokens.access_token);
  expect((await whoami()).body.errcode).toBe("M_USER_LOCKED");

  await set({ locked: false });
  expect((await whoami()).status).toBe(200);
  expect((await refresh(t, clientId, tokens.refresh_token)).status).toBe(200);
  expect((await exchange(t, clientId, code)).status).toBe(200);
});

test("an access token that expired while the account was locked says that it is locked", async () => {
  const tokens = (await exchange(t, clientId, await codeFor("A"))).body;
  await set({ locked: true });
  t.clock.advance(3_600_001);
  const whoami = () => t.call("GET", "account/whoami", undefined, tokens.access_token);
  expect((await whoami()).body).toMatchObject({ errcode: "M_USER_LOCKED", soft_logout: true });
  await set({ locked: false });
  expect((await whoami()).body).toMatchObject({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
  expect((await refresh(t, clientId, tokens.refresh_token)).status).toBe(200);
});

test("a device that was let in before gets its tokens once the account is unlocked", async () => {
  const asked = await postForm(t, "/_weft/oauth/device", {
    client_id: clientId,
    scope: `${SCOPE}TV`,
  });
  const { user_code: userCode, device_code: deviceCode } = asked.body;
  const page = await browser.get(`/_weft/oauth/link?user_code=${userCode}`);
  await browser.send(page, "/_weft/oauth/link", { user_code: userCode, decision: "allow" });
  const poll = () =>
    postForm(t, "/_weft/oauth/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      client_id: clientId,
      device_code: deviceCode,
    });
  await set({ locked: true });
  expect((await poll()).body).toEqual(LOCKED);
  await set({ locked: false });
  expect((await poll()).status).toBe(200);
});

test("a session may be revoked while its account is locked", async () => {
  const tokens = (await exchange(t, clientId, await codeFor("A"))).body;
  await set({ locked: true });
  const token = tokens.refresh_token;
  expect((await postForm(t, "/_weft/oauth/revoke", { token })).status).toBe(200);
  await set({ locked: false });
  expect((await refresh(t, clientId, token)).body.error).toBe("invalid_grant");
});

test("the pages know nobody whose account is locked, and go on with the cookie afterwards", async () => {
  const form = await browser.get("/_weft/account?action=org.matrix.profile");
  await set({ locked: true });
  expect((await browser.get("/_weft/account")).status).toBe(303);
  const sent = await browser.send(form, "/_weft/account/profile", { displayname: "New" });
  expect(sent.status).toBe(403);
  const fresh = openBrowser(t);
  const refused = await fresh.signIn(name, "pw");
  expect(refused.status).toBe(401);
  expect(refused.body).toContain("This account is locked");
  expect((await fresh.signIn(name, "wrong")).body).not.toContain("locked");
  await set({ locked: false });
  expect((await browser.get("/_weft/account")).status).toBe(200);
});

test("on its page a suspended account signs in, and does not change its name", async () => {
  await set({ suspended: true });
  const fresh = openBrowser(t);
  expect((await fresh.signIn(name, "pw")).status).toBe(303);
  const form = await fresh.get("/_weft/account?action=org.matrix.profile");
  const sent = await fresh.send(form, "/_weft/account/profile", { displayname: "New" });
  expect(sent.status).toBe(403);
  expect(sent.body).toContain("This account is suspended");
  const code = await allow(fresh, authorizePath(clientId, { scope: `${SCOPE}S` }));
  const { access_token: token } = (await exchange(t, clientId, code)).body;
  const path = `profile/${encodeURIComponent(`@${name}:here.test`)}/displayname`;
  expect(await t.call("PUT", path, { displayname: "New" }, token)).toMatchObject({
    status: 403,
    body: { errcode: "M_USER_SUSPENDED" },
  });
});

test.each(["locked", "suspended"] as const)(
  "a service is not told whose an OpenID token is while the account is %s",
  async (restriction) => {
    const { access_token: token, user_id: userId } = await t.register(`${name}-openid`);
    const path = `user/${encodeURIComponent(userId)}/openid/request_token`;
    const { access_token: proof } = (await t.call("POST", path, {}, token)).body;
    const url = `/_matrix/federation/v1/openid/userinfo?access_token=${proof}`;
    expect((await t.inject({ url })).body).toEqual({ sub: userId });
    const change = (value: boolean) =>
      t.users.moderation.change(ROOT, userId as UserId, { [restriction]: value });
    await change(true);
    expect((await t.inject({ url })).status).toBe(401);
    await change(false);
    expect((await t.inject({ url })).status).toBe(200);
  },
);
