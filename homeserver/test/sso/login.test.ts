/** Signing in with an account of a provider of OpenID Connect. */
import { expect, test, vi } from "vitest";
import { id } from "../users/support.ts";
import {
  APP,
  callback,
  comeBack,
  idp,
  loginBy,
  newBrowser,
  pathOf,
  redirectPath,
  t,
  tokenIn,
  TRUSTED,
  withProviders,
} from "./one-server.ts";

withProviders(({ settings }) => [
  { ...settings(), brand: "acme", icon: "mxc://here.test/icon" },
  settings({ id: "linking", name: "The other name", linksByName: true }),
  settings({ id: "closed", opensAccounts: false }),
]);

test("the flows name the providers", async () => {
  const { body } = await t.call("GET", "login");
  expect(body.flows).toContainEqual({
    type: "m.login.sso",
    identity_providers: [
      { id: "idp", name: "The Provider", brand: "acme", icon: "mxc://here.test/icon" },
      { id: "linking", name: "The other name" },
      { id: "closed", name: "The Provider" },
    ],
  });
  expect(body.flows).toContainEqual({ type: "m.login.token", get_login_token: true });
});

test("a browser is led to the provider with all that protects its way back", async () => {
  const { status, location, headers } = await newBrowser().get(redirectPath(TRUSTED, "idp"));
  expect(status).toBe(302);
  const url = new URL(location);
  expect(url.origin).toBe(idp.issuer);
  const asked = Object.fromEntries(url.searchParams);
  expect(asked).toMatchObject({
    response_type: "code",
    client_id: "weft",
    redirect_uri: callback("idp"),
    scope: "openid profile",
    code_challenge_method: "S256",
  });
  expect(asked["nonce"]).toMatch(/^[\w-]{43}$/);
  expect(asked["state"]).toMatch(/^[\w-]+$/);
  expect(asked).not.toHaveProperty("prompt");
  expect(headers["set-cookie"]).toMatch(/HttpOnly; SameSite=Lax; Secure$/);
});

test("several providers: a page to choose one; the older path leads there, too", async () => {
  for (const path of [redirectPath(APP), redirectPath(APP).replace("/v3/", "/r0/")]) {
    const page = await newBrowser().get(path);
    expect(page.status).toBe(200);
    expect(page.body).toContain("Continue with The other name");
    const href = /href="([^"]*redirect\/linking[^"]*)"/
      .exec(page.body)![1]!
      .replaceAll("&amp;", "&");
    expect(href).toBe(redirectPath(APP, "linking"));
    expect(page.headers).not.toHaveProperty("access-control-allow-origin");
  }
});

test("the first sign-in opens an account, with the name that the provider knows", async () => {
  idp.people.set("s-anna", { preferred_username: "Anna", name: "Anna Ek" });
  const back = await comeBack(newBrowser(), "s-anna");
  expect(back.status).toBe(303);
  expect(back.location).toMatch(/^https:\/\/trusted\.test\/\?loginToken=weft_l_/);
  const { status, body } = await loginBy(back.location, { device_id: "PHONE" });
  expect([status, body.user_id, body.device_id]).toEqual([200, id("anna"), "PHONE"]);
  expect(await t.users.profiles.get(id("anna"))).toEqual({ displayname: "Anna Ek" });
  expect((await loginBy(back.location)).body.errcode).toBe("M_FORBIDDEN");
});

test("the second one signs the same account in, whatever it is called by now", async () => {
  idp.people.set("s-anna", { preferred_username: "somebody-else", name: "Other" });
  const back = await comeBack(newBrowser(), "s-anna");
  expect((await loginBy(back.location)).body.user_id).toBe(id("anna"));
  expect(await t.users.profiles.get(id("anna"))).toEqual({ displayname: "Anna Ek" });
});

test("an app that nobody has named is confirmed on a page first", async () => {
  const browser = newBrowser();
  const page = await comeBack(browser, "s-anna", { app: APP });
  expect(page.status).toBe(200);
  expect(page.body).toContain("app.test");
  expect(page.body).not.toContain("loginToken");
  expect(page.headers["content-security-policy"]).toContain("form-action 'self' https://app.test;");
  const no = await browser.send(page, "/_weft/account/sso/continue", { decision: "deny" });
  expect([no.status, no.location]).toEqual([200, ""]);
  const yes = await browser.send(page, "/_weft/account/sso/continue", { decision: "allow" });
  expect(yes.location).toMatch(/^https:\/\/app\.test\/back\?a=b&loginToken=/);
  expect((await loginBy(yes.location)).body.user_id).toBe(id("anna"));
});

test("a token that stands in the address already gives way", async () => {
  const back = await comeBack(newBrowser(), "s-anna", { app: `${TRUSTED}?loginToken=old&x=1` });
  expect(new URL(back.location).searchParams.getAll("loginToken")).toHaveLength(1);
  expect(tokenIn(back.location)).not.toBe("old");
});

test("an app on the same device is opened by its scheme, and a page of this server is trusted", async () => {
  const browser = newBrowser();
  const page = await comeBack(browser, "s-anna", { app: "element://connect" });
  expect(page.body).toContain("an app on this device (element:)");
  expect(page.headers["content-security-policy"]).toContain("form-action 'self' element:;");
  const own = await comeBack(newBrowser(), "s-anna", { app: "https://matrix.here.test/#/" });
  expect(own.location).toMatch(/^https:\/\/matrix\.here\.test\/\?loginToken=[\w-]+#\/$/);
});

test.each(["javascript:alert(1)", "data:text/html,x", "no address", "https://u:p@app.test/"])(
  "nobody is led to %s",
  async (app) => {
    const { status, location, body } = await newBrowser().get(redirectPath(app, "idp"));
    expect([status, location]).toEqual([400, ""]);
    expect(body).toContain("redirectUrl is no address");
  },
);

test("a provider that is not there is a page with 404", async () => {
  const { status, headers } = await newBrowser().get(redirectPath(APP, "nobody"));
  expect([status, headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
  expect((await newBrowser().get("/_weft/account/sso/begin?provider=nobody")).status).toBe(404);
});

test("a taken name is not given away: another one is chosen", async () => {
  await t.register("carl");
  idp.people.set("s-carl", { preferred_username: "carl", name: "<b>Carl</b>" });
  const browser = newBrowser();
  const page = await comeBack(browser, "s-carl");
  expect(page.status).toBe(200);
  expect(page.body).toContain('value="carl"');
  const send = (username: string) =>
    browser.send(page, "/_weft/account/sso/continue", { username });
  for (const wrong of ["carl", "Carl!", "bridge_carl"]) {
    const again = await send(wrong);
    expect(again.status).toBe(400);
    expect(again.body).toContain('role="alert"');
  }
  expect((await send("")).status).toBe(400);
  const done = await send("carl2");
  expect((await loginBy(done.location)).body.user_id).toBe(id("carl2"));
  // The form sent once more opens nothing else.
  expect((await loginBy((await send("carl3")).location)).body.user_id).toBe(id("carl2"));
  expect(await t.users.accounts.exists(id("carl3"))).toBe(false);
});

test("who has no name that would do is asked for one", async () => {
  idp.people.set("s-jp", { preferred_username: "さくら" });
  const page = await comeBack(newBrowser(), "s-jp");
  expect([page.status, page.location]).toEqual([200, ""]);
  expect(page.body).toContain("Create an account");
});

test("an account that is there is linked only where the settings say so", async () => {
  await t.register("dora");
  idp.people.set("s-dora", { preferred_username: "dora", name: "Dora" });
  const other = await comeBack(newBrowser(), "s-dora");
  expect(other.location).toBe("");
  const linked = await comeBack(newBrowser(), "s-dora", { provider: "linking" });
  expect((await loginBy(linked.location)).body.user_id).toBe(id("dora"));
});

test("a name that is only alike, or was linked before, is nobody's", async () => {
  await t.register("jorg");
  idp.people.set("s-jorg", { preferred_username: "jörg" });
  expect((await comeBack(newBrowser(), "s-jorg", { provider: "linking" })).location).toBe("");
  idp.people.set("s-dora-2", { preferred_username: "dora" });
  expect((await comeBack(newBrowser(), "s-dora-2", { provider: "linking" })).location).toBe("");
});

test("a provider that opens no accounts refuses strangers", async () => {
  const { status, body } = await comeBack(newBrowser(), "s-new", { provider: "closed" });
  expect(status).toBe(403);
  expect(body).toContain("No account on this server belongs to that one");
});

const lock = (name: string) => t.sql`UPDATE accounts SET locked_ts = 1 WHERE user_id = ${id(name)}`;

test("locked and closed accounts stay out, suspended ones get in", async () => {
  for (const name of ["eve", "finn", "gus"]) {
    idp.people.set(`s-${name}`, { preferred_username: name });
    expect((await comeBack(newBrowser(), `s-${name}`)).status).toBe(303);
  }
  await lock("eve");
  await t.users.deactivation.deactivate(id("finn"), true);
  await t.sql`UPDATE accounts SET suspended_ts = 1 WHERE user_id = ${id("gus")}`;
  expect((await comeBack(newBrowser(), "s-eve")).status).toBe(401);
  const closed = await comeBack(newBrowser(), "s-finn");
  expect(closed.status).toBe(403);
  expect(closed.body).toContain("That account is closed");
  const gus = await comeBack(newBrowser(), "s-gus");
  expect((await loginBy(gus.location)).status).toBe(200);
});

test("an account that is locked in the last moment stays out", async () => {
  idp.people.set("s-hal", { preferred_username: "hal" });
  const browser = newBrowser();
  const page = await comeBack(browser, "s-hal", { app: APP });
  const before = await comeBack(newBrowser(), "s-hal");
  await lock("hal");
  const yes = await browser.send(page, "/_weft/account/sso/continue", { decision: "allow" });
  expect([yes.status, yes.location]).toEqual([401, ""]);
  expect((await loginBy(before.location)).body.errcode).toBe("M_USER_LOCKED");
});

test("two replicas that open the same account at once open one", async () => {
  idp.people.set("s-ida", { preferred_username: "ida" });
  const both = await Promise.all([
    comeBack(newBrowser(), "s-ida"),
    comeBack(newBrowser(), "s-ida"),
  ]);
  const users = await Promise.all(both.map(({ location }) => loginBy(location)));
  expect(users.map(({ body }) => body.user_id)).toEqual([id("ida"), id("ida")]);
  const rows = await t.sql`SELECT 1 FROM sso_links WHERE subject = 's-ida'`;
  expect(rows).toHaveLength(1);
});

test("who comes back while another replica opens the account is not asked for another name", async () => {
  idp.people.set("s-ole", { preferred_username: "ole" });
  const { accounts } = t.users;
  const look = accounts.ensureAvailable;
  const looking = vi.spyOn(accounts, "ensureAvailable").mockImplementationOnce(async (userId) => {
    const faster = await comeBack(newBrowser(), "s-ole");
    expect((await loginBy(faster.location)).body.user_id).toBe(id("ole"));
    await look(userId);
  });
  const back = await comeBack(newBrowser(), "s-ole");
  looking.mockRestore();
  expect((await loginBy(back.location)).body.user_id).toBe(id("ole"));
});

test("a browser goes on to the page that it wanted", async () => {
  const browser = newBrowser();
  const signIn = await browser.get("/_weft/account/sign-in?next=%2F_weft%2Faccount%3Faction%3Dx");
  const link = /href="([^"]*sso\/begin[^"]*)"/.exec(signIn.body)![1]!.replaceAll("&amp;", "&");
  const begun = await browser.get(link);
  expect(begun.status).toBe(303);
  const done = await browser.get(pathOf(await idp.signIn(begun.location, "s-anna")));
  expect([done.status, done.location]).toEqual([303, "/_weft/account?action=x"]);
  expect((await browser.get("/_weft/account")).body).toContain(id("anna"));
});
