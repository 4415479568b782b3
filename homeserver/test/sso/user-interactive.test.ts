/** Single sign-on as a stage of user-interactive authentication. */
import { beforeAll, expect, test } from "vitest";
import { id } from "../users/support.ts";
import type { TestBrowser } from "../oauth-api/support.ts";
import {
  comeBack,
  idp,
  loginBy,
  newBrowser,
  pathOf,
  redirectPath,
  t,
  TRUSTED,
  withProviders,
} from "./one-server.ts";

withProviders(({ settings }) => [settings(), settings({ id: "other", name: "Another" })]);

const tokens: Record<string, string> = {};

beforeAll(async () => {
  for (const name of ["anna", "ben"]) {
    idp.people.set(`s-${name}`, { preferred_username: name, name });
    const { location } = await comeBack(newBrowser(), `s-${name}`);
    tokens[name] = (await loginBy(location, { device_id: "ONE" })).body.access_token;
    await loginBy((await comeBack(newBrowser(), `s-${name}`)).location, { device_id: "TWO" });
  }
});

const remove = (name: string, auth?: object, devices = ["TWO"]) =>
  t.call("POST", "delete_devices", { devices, ...(auth && { auth }) }, tokens[name]);
const fallback = (session: string, more = "") =>
  `/_matrix/client/v3/auth/m.login.sso/fallback/web?session=${session}${more}`;

/** Somebody opens the page of the stage, and signs in once more. */
async function confirm(browser: TestBrowser, session: string, subject: string) {
  const { location, status, headers } = await browser.get(fallback(session));
  expect([status, headers["cross-origin-opener-policy"]]).toEqual([302, "unsafe-none"]);
  expect(new URL(location).searchParams.get("prompt")).toBe("login");
  return await browser.get(pathOf(await idp.signIn(location, subject)));
}

test("who has no password confirms by signing in once more", async () => {
  const { status, body } = await remove("anna");
  expect(status).toBe(401);
  expect(body.flows).toEqual([{ stages: ["m.login.sso"] }]);
  const { session } = body;
  const early = await remove("anna", { session, type: "m.login.sso" });
  expect([early.status, early.body.errcode]).toEqual([401, "M_UNAUTHORIZED"]);
  expect((await remove("anna", { session })).status).toBe(401);

  const browser = newBrowser();
  const page = await confirm(browser, session, "s-anna");
  expect(page.status).toBe(200);
  expect(page.body).toContain("sign some of your sessions out");
  expect((await remove("anna", { session })).status).toBe(401);
  const no = await browser.send(page, "/_weft/account/sso/continue", { decision: "deny" });
  expect(no.body).toContain("Nothing has happened");
  expect((await remove("anna", { session })).status).toBe(401);

  const done = await browser.send(page, "/_weft/account/sso/continue", { decision: "allow" });
  expect(done.status).toBe(200);
  expect(done.body).toContain('window.opener.postMessage("authDone", "*")');
  expect(done.headers["content-security-policy"]).toMatch(/script-src 'sha256-[\w+/=]+'/);
  expect(done.headers["cross-origin-opener-policy"]).toBe("unsafe-none");
  const other = await remove("anna", { session }, ["ONE"]);
  expect([other.status, other.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  expect((await remove("anna", { session })).status).toBe(200);
  expect(await t.users.devices.list(id("anna"))).toHaveLength(1);

  const late = await browser.send(page, "/_weft/account/sso/continue", { decision: "allow" });
  expect(late.status).toBe(403);
  expect((await browser.get(fallback(session))).status).toBe(403);
});

test("a session that somebody has left open at the provider confirms nothing", async () => {
  const cookies = new Map<string, string>();
  await idp.signIn(
    (await newBrowser().get(redirectPath(TRUSTED, "idp"))).location,
    "s-ben",
    cookies,
  );
  const { session } = (await remove("ben")).body;
  const browser = newBrowser();
  const { location } = await browser.get(fallback(session));
  const quietly = new URL(location);
  quietly.searchParams.delete("prompt");
  quietly.searchParams.delete("max_age");
  // Nobody is asked for anything there: the cookies suffice.
  const page = await browser.get(pathOf(await idp.signIn(quietly.href, "nobody", cookies)));
  expect(page.status).toBe(403);
  expect(page.body).toContain("You have not signed in once more");
  expect((await remove("ben", { session })).status).toBe(401);
});

test("somebody else confirms nothing", async () => {
  const { session } = (await remove("ben")).body;
  const page = await confirm(newBrowser(), session, "s-anna");
  expect(page.status).toBe(403);
  expect(page.body).toContain(`You have signed in as ${id("anna")}`);
  const stranger = await confirm(newBrowser(), session, "s-nobody");
  expect(stranger.status).toBe(403);
  expect(await t.users.accounts.exists(id("s-nobody"))).toBe(false);
  expect((await remove("ben", { session })).status).toBe(401);
});

test("with a password, there are two ways", async () => {
  const hash = await t.users.passwords.hash("pw");
  await t.sql`UPDATE accounts SET password_hash = ${hash} WHERE user_id = ${id("ben")}`;
  const { body } = await remove("ben");
  expect(body.flows).toEqual([{ stages: ["m.login.password"] }, { stages: ["m.login.sso"] }]);
  const auth = { type: "m.login.password", password: "pw", session: body.session };
  expect((await remove("ben", auth)).status).toBe(200);
});

test("whose account is linked nowhere has the password only", async () => {
  tokens["carl"] = (await t.register("carl")).access_token;
  const { body } = await remove("carl");
  expect(body.flows).toEqual([{ stages: ["m.login.password"] }]);
  expect((await newBrowser().get(fallback(body.session))).status).toBe(403);
});

test("who is linked with two providers chooses one", async () => {
  await t.sql`INSERT INTO sso_links VALUES ('other', 's-ben', ${id("ben")}, 1)`;
  const { session } = (await remove("ben")).body;
  const page = await newBrowser().get(fallback(session));
  expect(page.body).toContain("Continue with Another");
  const { location } = await newBrowser().get(fallback(session, "&provider=other"));
  expect(new URL(location).searchParams.get("redirect_uri")).toContain("/callback/other");
});

test("an unknown stage has no page, an unknown session neither", async () => {
  const path = fallback("weft_s_x").replace("m.login.sso", "m.login.msisdn");
  expect((await newBrowser().get(path)).status).toBe(404);
  expect((await newBrowser().get(fallback("weft_s_x"))).status).toBe(403);
});
