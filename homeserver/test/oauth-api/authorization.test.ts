/** The OAuth 2.0 API: authorisation codes, tokens, and the pages for signing in. */
import { isValidAuthMetadata } from "matrix-js-sdk/lib/oauth/discover.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../client-api/support.ts";
import {
  allow,
  APP,
  authorizePath,
  exchange,
  openBrowser,
  postForm,
  refresh,
  registerClient,
  SCOPE,
  type TestBrowser,
  VERIFIER,
} from "./support.ts";

let t: TestApi;
let clientId: string;
/** In which alice is signed in. */
let browser: TestBrowser;

beforeAll(async () => {
  t = await openApi();
  await t.register("alice");
  clientId = await registerClient(t);
  browser = openBrowser(t);
  await browser.signIn("alice", "pw");
});
afterAll(() => t.close());

const whoami = (token: string) => t.call("GET", "account/whoami", undefined, token);
const signIn = async (deviceId: string) => {
  const scope = SCOPE + deviceId;
  const code = await allow(browser, authorizePath(clientId, { scope }));
  return { code, ...(await exchange(t, clientId, code)).body };
};

test("the metadata stands at all its paths, and matrix-js-sdk accepts it", async () => {
  for (const path of [
    "/_matrix/client/v1/auth_metadata",
    "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
    "/.well-known/oauth-authorization-server",
  ]) {
    const answer = await t.call("GET", path);
    expect(isValidAuthMetadata(answer.body)).toBe(true);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.body).toMatchObject({
      issuer: "https://matrix.here.test/",
      token_endpoint: "https://matrix.here.test/_weft/oauth/token",
      prompt_values_supported: ["login", "consent", "select_account", "create"],
    });
  }
});

describe("signing in with a code", () => {
  test("goes by the page for signing in, and gives tokens like any other", async () => {
    const fresh = openBrowser(t);
    const path = authorizePath(clientId, { scope: `${SCOPE}FIRST` });
    const toSignIn = await fresh.get(path);
    expect(toSignIn.status).toBe(303);
    const entry = await fresh.get(toSignIn.location);
    const signedIn = await fresh.send(entry, "/_weft/account/sign-in", {
      username: "alice",
      password: "pw",
    });
    expect([signedIn.status, signedIn.location]).toEqual([303, path]);
    const consent = await fresh.get(signedIn.location);
    expect(consent.body).toContain("Sign in to An app?");
    expect(consent.body).toContain("@alice:here.test");
    expect(consent.headers["content-security-policy"]).toContain(
      "form-action 'self' https://app.example",
    );
    const back = await fresh.send(consent, "/_weft/oauth/authorize", { decision: "allow" });
    const url = new URL(back.location);
    expect([url.origin + url.pathname, url.searchParams.get("state")]).toEqual([APP, "a state"]);
    const tokens = await exchange(t, clientId, url.searchParams.get("code")!);
    expect(tokens.body).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: expect.any(String),
      scope: `${SCOPE}FIRST`,
    });
    expect(tokens.headers["cache-control"]).toBe("no-store");
    const token = tokens.body.access_token;
    expect((await whoami(token)).body).toMatchObject({
      user_id: "@alice:here.test",
      device_id: "FIRST",
    });
    const { body } = await t.call("GET", "devices", undefined, token);
    expect(body.devices).toContainEqual(
      expect.objectContaining({ device_id: "FIRST", display_name: "An app" }),
    );
  });

  test("answers in the fragment where that is asked for, and echoes the older words", async () => {
    const scope =
      "openid urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:OLDER";
    const path = authorizePath(clientId, { scope, response_mode: "fragment" });
    const page = await browser.get(path);
    const back = await browser.send(page, "/_weft/oauth/authorize", { decision: "allow" });
    expect(back.location.startsWith(`${APP}#code=`)).toBe(true);
    const code = new URL(back.location.replace("#", "?")).searchParams.get("code")!;
    const { body } = await exchange(t, clientId, code);
    expect(body.scope).toBe(scope.replace("openid ", ""));
    expect((await whoami(body.access_token)).body.device_id).toBe("OLDER");
  });

  test("does not happen when the user says no", async () => {
    const page = await browser.get(authorizePath(clientId));
    const back = await browser.send(page, "/_weft/oauth/authorize", { decision: "deny" });
    const { searchParams } = new URL(back.location);
    expect(searchParams.get("error")).toBe("access_denied");
    expect(searchParams.get("state")).toBe("a state");
  });

  test("replaces what the device had before, whichever API it signed in by", async () => {
    const first = await signIn("SAME");
    const path = authorizePath(clientId, { scope: `${SCOPE}SAME` });
    expect((await browser.get(path)).body).toContain("It takes the place of your session");
    const second = await signIn("SAME");
    expect((await whoami(first.access_token)).status).toBe(401);
    const login = await t.call("POST", "login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: "alice" },
      password: "pw",
      device_id: "SAME",
      refresh_token: true,
    });
    expect((await whoami(second.access_token)).status).toBe(401);
    expect((await refresh(t, clientId, login.body.refresh_token)).body.error).toBe("invalid_grant");
    const legacy = await t.call("POST", "refresh", { refresh_token: login.body.refresh_token });
    expect(legacy.status).toBe(200);
  });
});

describe("a code", () => {
  test("is for its client, its place and its verifier", async () => {
    const code = await allow(browser, authorizePath(clientId, { scope: `${SCOPE}BOUND` }));
    const other = await registerClient(t, { client_name: "Another" });
    const wrong = [
      await exchange(t, other, code),
      await exchange(t, clientId, code, { redirect_uri: "https://app.example/other" }),
      await exchange(t, clientId, code, { code_verifier: "w".repeat(64) }),
      await exchange(t, clientId, code, { code_verifier: "short" }),
    ];
    for (const answer of wrong) {
      expect([answer.status, answer.body.error]).toEqual([400, "invalid_grant"]);
    }
    expect((await exchange(t, clientId, code)).status).toBe(200);
  });

  test("that comes twice ends what came of it", async () => {
    const { code, access_token: token } = await signIn("TWICE");
    expect((await whoami(token)).status).toBe(200);
    const again = await exchange(t, clientId, code);
    expect([again.status, again.body.error]).toEqual([400, "invalid_grant"]);
    expect((await whoami(token)).body.errcode).toBe("M_UNKNOWN_TOKEN");
    // The device itself is gone.
    expect(t.told).toContain("removed @alice:here.test TWICE");
  });

  test("is used once, however many try at once", async () => {
    const code = await allow(browser, authorizePath(clientId, { scope: `${SCOPE}RACE` }));
    const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(t, clientId, code)));
    const good = answers.filter(({ status }) => status === 200);
    expect(good.length).toBeLessThanOrEqual(1);
    for (const { body } of good) expect((await whoami(body.access_token)).status).toBe(401);
  });

  test("ends after five minutes, and with the password that it was given by", async () => {
    const late = await allow(browser, authorizePath(clientId, { scope: `${SCOPE}LATE` }));
    t.clock.advance(5 * 60_000);
    expect((await exchange(t, clientId, late)).body.error).toBe("invalid_grant");

    const { access_token: token } = await t.register("carol");
    const carols = openBrowser(t);
    await carols.signIn("carol", "pw");
    const code = await allow(carols, authorizePath(clientId));
    const auth = { type: "m.login.password", user: "carol", password: "pw" };
    await t.call("POST", "account/password", { new_password: "other", auth }, token);
    expect((await exchange(t, clientId, code)).body.error).toBe("invalid_grant");
    expect((await carols.get(authorizePath(clientId))).location).toContain("/sign-in");
  });
});

test("replicas know of one another's codes and tokens", async () => {
  const other = await t.replica();
  const code = await allow(browser, authorizePath(clientId, { scope: `${SCOPE}REPLICA` }));
  const given = { clientId, code, redirectUri: APP, verifier: VERIFIER };
  const { session } = await other.oauth.grants.byCode(given);
  expect((await whoami(session.accessToken)).body.device_id).toBe("REPLICA");
  const again = await exchange(t, clientId, code);
  expect(again.body.error).toBe("invalid_grant");
  await expect(async () => await other.sessions.byAccessToken(session.accessToken)).rejects.toThrow(
    "not known",
  );
});

test("signing out everywhere ends the browsers, too", async () => {
  await t.register("otto");
  const ottos = openBrowser(t);
  await ottos.signIn("otto", "pw");
  const { body } = await exchange(t, clientId, await allow(ottos, authorizePath(clientId)));
  const pending = await allow(ottos, authorizePath(clientId));
  await t.call("POST", "logout/all", {}, body.access_token);
  expect((await ottos.get(authorizePath(clientId))).status).toBe(303);
  expect((await exchange(t, clientId, pending)).body.error).toBe("invalid_grant");
});

describe("a refresh", () => {
  test("gives a new pair, and can be repeated until the new one is used", async () => {
    const first = await signIn("REFRESH");
    const lost = await refresh(t, clientId, first.refresh_token);
    const second = await refresh(t, clientId, first.refresh_token);
    expect(second.body).toMatchObject({ token_type: "Bearer", scope: first.scope });
    expect((await whoami(lost.body.access_token)).status).toBe(401);
    expect((await whoami(second.body.access_token)).status).toBe(200);
    expect((await whoami(first.access_token)).status).toBe(401);
    // A token that was replaced, and shown again, was stolen.
    const stolen = await refresh(t, clientId, first.refresh_token);
    expect([stolen.status, stolen.body.error]).toEqual([400, "invalid_grant"]);
    expect((await whoami(second.body.access_token)).status).toBe(401);
  });

  test("is for the client that signed in, and for this API", async () => {
    const { refresh_token: token } = await signIn("MINE");
    const other = await registerClient(t, { client_name: "Another" });
    expect((await refresh(t, other, token)).body.error).toBe("invalid_grant");
    const legacy = await t.call("POST", "refresh", { refresh_token: token });
    expect([legacy.status, legacy.body.errcode]).toEqual([401, "M_UNKNOWN_TOKEN"]);
    expect((await refresh(t, clientId, token)).status).toBe(200);
  });

  test("follows on a soft logout", async () => {
    const { access_token: token, refresh_token: next } = await signIn("SOFT");
    t.clock.advance(3_600_000);
    expect((await whoami(token)).body).toMatchObject({
      errcode: "M_UNKNOWN_TOKEN",
      soft_logout: true,
    });
    const { body } = await refresh(t, clientId, next);
    expect((await whoami(body.access_token)).body.device_id).toBe("SOFT");
  });
});

describe("a revocation", () => {
  test.each(["access_token", "refresh_token"])("by the %s signs the device out", async (kind) => {
    const session = await signIn(`REVOKE${kind}`);
    const fields = { token: session[kind], token_type_hint: kind, client_id: clientId };
    expect((await postForm(t, "/_weft/oauth/revoke", fields)).status).toBe(200);
    expect((await whoami(session.access_token)).body).toMatchObject({ errcode: "M_UNKNOWN_TOKEN" });
    expect((await refresh(t, clientId, session.refresh_token)).body.error).toBe("invalid_grant");
    expect(t.told).toContain(`removed @alice:here.test REVOKE${kind}`);
    // Again it is no error.
    expect((await postForm(t, "/_weft/oauth/revoke", fields)).status).toBe(200);
  });

  test("needs a token, and no client", async () => {
    expect((await postForm(t, "/_weft/oauth/revoke", {})).body.error).toBe("invalid_request");
    const session = await signIn("NOCLIENT");
    await postForm(t, "/_weft/oauth/revoke", { token: session.access_token });
    expect((await whoami(session.access_token)).status).toBe(401);
  });

  test("is what logging out does, too", async () => {
    const session = await signIn("LOGOUT");
    await t.call("POST", "logout", {}, session.access_token);
    expect((await refresh(t, clientId, session.refresh_token)).body.error).toBe("invalid_grant");
  });
});

describe("what is wrong with a request", () => {
  test.each([
    ["no client", { client_id: "nobody" }, 401],
    ["no place to go back to", { redirect_uri: undefined }, 400],
    ["a place of others", { redirect_uri: "https://evil.example/" }, 400],
    ["a longer place", { redirect_uri: `${APP}/more` }, 400],
    ["a very long state", { state: "x".repeat(5_000) }, 400],
  ])("is shown, and the browser stays: %s", async (_name, more, status) => {
    const page = await browser.get(authorizePath(clientId, more));
    expect([page.status, page.location]).toEqual([status, ""]);
    expect(page.body).toContain("That did not work");
  });

  test("leads nobody away who has not signed in", async () => {
    const path = authorizePath(clientId, { scope: "wrong" });
    const { location } = await openBrowser(t).get(path);
    expect(location.startsWith("/_weft/account/sign-in?next=")).toBe(true);
  });

  test.each([
    ["unsupported_response_type", { response_type: "token" }],
    ["invalid_request", { response_mode: "form_post" }],
    ["invalid_request", { code_challenge: undefined }],
    ["invalid_request", { code_challenge_method: "plain" }],
    ["invalid_scope", { scope: undefined }],
    ["invalid_scope", { scope: "urn:matrix:client:api:*" }],
    ["invalid_scope", { scope: `${SCOPE}A urn:matrix:client:device:B` }],
    ["invalid_scope", { scope: SCOPE }],
    ["invalid_scope", { scope: `${SCOPE}${"x".repeat(300)}` }],
    ["invalid_scope", { scope: `${SCOPE}Ä` }],
    ["interaction_required", { prompt: "none" }],
    ["invalid_request", { prompt: "none login" }],
  ])("is told to the client: %s (%o)", async (error, more) => {
    const { location } = await browser.get(authorizePath(clientId, more));
    expect(location.startsWith(`${APP}?`)).toBe(true);
    expect(new URL(location).searchParams.get("error")).toBe(error);
  });

  test.each([
    ["invalid_request", {}],
    ["unsupported_grant_type", { grant_type: "password" }],
    ["invalid_request", { grant_type: "authorization_code" }],
    ["invalid_request", { grant_type: "refresh_token", client_id: "x" }],
    ["invalid_grant", { grant_type: "refresh_token", client_id: "x", refresh_token: "y" }],
  ])("is told at the token endpoint: %s (%o)", async (error, fields) => {
    const answer = await postForm(t, "/_weft/oauth/token", fields);
    expect([answer.status, answer.body.error]).toEqual([400, error]);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
  });

  test("a field that comes twice, NUL and long bodies are refused", async () => {
    const twice: [string, string][] = [
      ["grant_type", "refresh_token"],
      ["grant_type", "refresh_token"],
    ];
    expect((await postForm(t, "/_weft/oauth/token", twice)).body.error).toBe("invalid_request");
    const nul = await postForm(t, "/_weft/oauth/token", { grant_type: "a\0b" });
    expect(nul.body.error).toBe("invalid_request");
    const long = await postForm(t, "/_weft/oauth/token", { grant_type: "x".repeat(20_000) });
    expect([long.status, long.body.error]).toEqual([413, "invalid_request"]);
  });
});
