/** What people without a password do on the account's page: they sign in once more for it. */
import { beforeAll, beforeEach, expect, test } from "vitest";
import {
  allow,
  authorizePath,
  exchange,
  openBrowser,
  registerClient,
  SCOPE,
  type TestBrowser,
} from "../oauth-api/support.ts";
import { makeIdentity } from "../users/keys/devices.ts";
import { id } from "../users/support.ts";
import { idp, newBrowser, pathOf, t, withProviders } from "./one-server.ts";

withProviders(({ settings }) => [settings(), settings({ id: "other", name: "Another" })]);

const ACCOUNT = "/_weft/account";
const TEN_MINUTES = 10 * 60_000;
let clientId: string;
/** A person with an account, anew for each test. */
let name: string;
let browser: TestBrowser;
let count = 0;

beforeAll(async () => {
  clientId = await registerClient(t);
});
beforeEach(async () => {
  count += 1;
  name = `ann${count}`;
  browser = await signedIn(name);
});

const page = (action: string) => `${ACCOUNT}?action=org.matrix.${action}`;
const begin = (act: string, provider = "idp") =>
  `${ACCOUNT}/sso/begin?${new URLSearchParams({ provider, act }).toString()}`;

/** Somebody signs in on the server's pages by the provider. */
async function signedIn(who: string): Promise<TestBrowser> {
  idp.people.set(`s-${who}`, { preferred_username: who, name: who });
  const opened = newBrowser();
  const { location } = await opened.get(`${ACCOUNT}/sso/begin?provider=idp`);
  const { status } = await opened.get(pathOf(await idp.signIn(location, `s-${who}`)));
  if (status !== 303) throw new Error(String(status));
  return opened;
}

/** They sign in once more for an act. */
async function prove(act: string, as = name, who = browser) {
  const { location, status } = await who.get(begin(act));
  expect([status, new URL(location).searchParams.get("prompt")]).toEqual([303, "login"]);
  return await who.get(pathOf(await idp.signIn(location, `s-${as}`)));
}

async function givePassword(who: string): Promise<void> {
  const hash = await t.users.passwords.hash("pw");
  await t.sql`UPDATE accounts SET password_hash = ${hash} WHERE user_id = ${id(who)}`;
}

const send = (from: Parameters<TestBrowser["send"]>[0], act: string, fields = {}, who = browser) =>
  who.send(from, `${ACCOUNT}/${act}`, fields);
const newPassword = (password: string) => ({
  new_password: password,
  new_password_again: password,
});

test("an app may replace the keys once its user has signed in again, and said so", async () => {
  const code = await allow(browser, authorizePath(clientId, { scope: `${SCOPE}APP` }));
  const token = (await exchange(t, clientId, code)).body.access_token;
  const upload = (seed: string, session?: string) => {
    const { keys } = makeIdentity(id(name), seed);
    const auth = session === undefined ? {} : { auth: { session } };
    return t.call("POST", "keys/device_signing/upload", { ...keys, ...auth }, token);
  };
  expect((await upload("1")).status).toBe(200);
  const { session, params } = (await upload("2")).body;
  const asked = await browser.get(pathOf(params["m.oauth"].url));
  expect(asked.body).toContain("Continue with The Provider");
  expect(asked.body).not.toContain('type="password"');
  expect(asked.body).not.toContain("Continue with Another");

  const shown = await prove("cross-signing");
  expect([shown.status, shown.headers["x-frame-options"]]).toEqual([200, "DENY"]);
  expect(shown.body).toContain("Allow it once");
  // Having signed in is not enough.
  expect((await upload("2", session)).status).toBe(401);
  const done = await send(shown, "cross-signing");
  expect((await browser.get(done.location)).body).toContain("Allowed.");
  expect((await upload("2", session)).status).toBe(200);

  // What has allowed it allows nothing more.
  const again = await send(shown, "cross-signing");
  expect([again.status, again.body.includes("sign in once more")]).toEqual([403, true]);
  const { session: next } = (await upload("3")).body;
  expect((await upload("3", next)).status).toBe(401);
});

test("the account is closed, and erased where that is wished", async () => {
  const asked = await browser.get(page("account_deactivate"));
  expect(asked.body).toContain("Continue with The Provider");
  expect((await send(asked, "deactivate", { password: "" })).status).toBe(403);
  const shown = await prove("deactivate");
  expect(shown.body).toContain(`Nobody can use <strong>${id(name)}</strong> afterwards`);
  const closed = await send(shown, "deactivate", { erase: "yes" });
  expect(closed.body).toContain("The account is closed");
  expect(t.told).toContain(`erased ${id(name)}`);
  expect(await t.users.accounts.exists(id(name))).toBe(false);
  expect((await send(shown, "deactivate")).status).toBe(403);
});

test("a first password is set, and a form with a mistake is shown again", async () => {
  const asked = await browser.get(page("profile"));
  expect(asked.body).toContain("You have none.");
  const shown = await prove("password");
  const differing = { ...newPassword("one"), new_password_again: "two" };
  const mistaken = await send(shown, "password", differing);
  expect([mistaken.status, mistaken.body.includes("differ")]).toEqual([400, true]);
  const done = await send(mistaken, "password", newPassword("a first one"));
  expect((await browser.get(done.location)).body).toContain("The password is changed.");
  expect((await openBrowser(t).signIn(name, "a first one")).status).toBe(303);
  expect((await send(shown, "password", newPassword("a second one"))).status).toBe(403);
  expect((await openBrowser(t).signIn(name, "a second one")).status).toBe(403);
});

test("who has a password may do either", async () => {
  await givePassword(name);
  for (const action of ["profile", "cross_signing_reset", "account_deactivate"]) {
    const { body } = await browser.get(page(action));
    expect(body).toContain('name="password"');
    expect(body).toContain("Or sign in once more, instead of the password:");
  }
  const asked = await browser.get(page("cross_signing_reset"));
  expect((await send(asked, "cross-signing", { password: "wrong" })).status).toBe(403);
  expect((await send(asked, "cross-signing", { password: "pw" })).status).toBe(303);
  const shown = await prove("password");
  expect((await send(shown, "password", newPassword("forgot it"))).status).toBe(303);
  expect((await openBrowser(t).signIn(name, "forgot it")).status).toBe(303);
});

test("it is good for one act, in one browser and session, and not for long", async () => {
  const shown = await prove("cross-signing");
  const proof = { proof: /name="proof"\s+value="([^"]+)"/.exec(shown.body)![1]! };
  const use = async (act: string, who: TestBrowser) => {
    const own = await who.get(page("cross_signing_reset"));
    const csrf = /name="csrf"\s+value="([^"]+)"/.exec((await who.get(ACCOUNT)).body)![1]!;
    return (await send(own, act, { ...proof, csrf, ...newPassword("pw") }, who)).status;
  };
  expect(await use("deactivate", browser)).toBe(403);
  expect(await use("password", browser)).toBe(403);
  // The same person in another browser, and somebody else.
  expect(await use("cross-signing", await signedIn(name))).toBe(403);
  expect(await use("cross-signing", await signedIn(`other-${name}`))).toBe(403);
  // It was not used up by all that.
  const replica = await t.replica();
  const browserCookie = browser.cookie!.replace(/^[^=]+=/, "");
  const proven = {
    userId: id(name),
    act: "cross-signing",
    browser: browserCookie,
  } as const;
  const taken = await Promise.allSettled([
    t.users.sso.proofs.take(proof.proof, proven),
    replica.sso.proofs.take(proof.proof, proven),
  ]);
  expect(taken.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);

  const late = await prove("cross-signing");
  t.clock.advance(TEN_MINUTES);
  expect((await send(late, "cross-signing")).status).toBe(403);
});

test("an app can neither use a proof nor pass one", async () => {
  const shown = await prove("deactivate");
  const session = /name="proof"\s+value="([^"]+)"/.exec(shown.body)![1]!;
  const code = await allow(browser, authorizePath(clientId, { scope: `${SCOPE}APP` }));
  const token = (await exchange(t, clientId, code)).body.access_token;
  const closing = await t.call("POST", "account/deactivate", { auth: { session } }, token);
  expect(closing.status).toBe(403);
  // Nor does an app's session do for a form.
  const asked = await t.call("POST", "delete_devices", { devices: ["APP"] }, token);
  const form = await browser.get(page("account_deactivate"));
  const csrf = /name="csrf"\s+value="([^"]+)"/.exec((await browser.get(ACCOUNT)).body)![1]!;
  const fields = { csrf, proof: asked.body.session };
  expect((await send(form, "deactivate", fields)).status).toBe(403);
  expect((await send(shown, "deactivate")).status).toBe(200);
});

test("a new password ends what was proven before", async () => {
  const shown = await prove("cross-signing");
  await t.users.passwordChange.change(id(name), "new", {
    keepDevices: true,
    deviceId: undefined,
  });
  expect(await t.sql`SELECT 1 FROM uia_sessions WHERE user_id = ${id(name)}`).toHaveLength(0);
  expect((await send(shown, "cross-signing")).status).toBe(403);
});

test("somebody else proves nothing, whether they have an account or not", async () => {
  await signedIn("ben");
  const other = await prove("deactivate", "ben");
  expect([other.status, other.body.includes(id("ben"))]).toEqual([403, true]);
  idp.people.set("s-nobody", { preferred_username: "nobody" });
  expect((await prove("deactivate", "nobody")).status).toBe(403);
  expect(await t.users.accounts.exists(id("nobody"))).toBe(false);
  const { location } = await browser.get(begin("deactivate"));
  const refused = await browser.get(pathOf(await idp.refuse(location)));
  expect(refused.status).toBe(403);
  // What another browser has begun leads nowhere.
  const back = pathOf(await idp.signIn(location, `s-${name}`));
  expect((await (await signedIn(name)).get(back)).status).toBe(403);
  expect(await t.sql`SELECT 1 FROM uia_sessions WHERE user_id = ${id(name)}`).toHaveLength(0);
});

test("a way back is worth nothing once they have signed out", async () => {
  const { location } = await browser.get(begin("deactivate"));
  const back = pathOf(await idp.signIn(location, `s-${name}`));
  await t.users.oauth.browsers.end(browser.cookie!.replace(/^[^=]+=/, ""));
  expect((await browser.get(back)).status).toBe(403);
});

test("a locked account proves nothing", async () => {
  const { location } = await browser.get(begin("deactivate"));
  const back = pathOf(await idp.signIn(location, `s-${name}`));
  const shown = await prove("cross-signing");
  await t.sql`UPDATE accounts SET locked_ts = 1 WHERE user_id = ${id(name)}`;
  expect((await browser.get(back)).status).toBe(401);
  expect((await send(shown, "cross-signing")).status).toBe(403);
});

test("who is not signed in signs in first; who is not linked has no such way", async () => {
  const first = await newBrowser().get(begin("cross-signing"));
  const next = new URL(first.location, "http://x").searchParams.get("next");
  expect([first.status, next]).toEqual([303, page("cross_signing_reset")]);
  expect((await browser.get(begin("cross-signing", "other"))).status).toBe(404);
  expect((await browser.get(begin("cross-signing", "none"))).status).toBe(404);
  expect((await browser.get(begin("everything"))).status).toBe(400);
  await t.register(`carl${count}`);
  const unlinked = openBrowser(t);
  await unlinked.signIn(`carl${count}`, "pw");
  expect((await unlinked.get(page("account_deactivate"))).body).not.toContain("Continue with");
  expect((await unlinked.get(begin("deactivate"))).status).toBe(404);
});

test("who is linked with two providers chooses one", async () => {
  await t.sql`INSERT INTO sso_links VALUES ('other', ${`s-${name}`}, ${id(name)}, 1)`;
  const { body } = await browser.get(page("account_deactivate"));
  expect(body).toContain("Continue with The Provider");
  expect(body).toContain("Continue with Another");
  const { location } = await browser.get(begin("deactivate", "other"));
  expect(new URL(location).searchParams.get("redirect_uri")).toContain("/callback/other");
});

test("an app that wants somebody to sign in again has the provider ask them, too", async () => {
  const { location } = await browser.get(authorizePath(clientId, { prompt: "login" }));
  const entry = await browser.get(location);
  const [, link] = /href="([^"]*\/sso\/begin\?provider=idp[^"]*)"/.exec(entry.body) ?? [];
  const way = await browser.get(link!.replaceAll("&amp;", "&"));
  const asked = new URL(way.location).searchParams;
  expect([asked.get("prompt"), asked.get("max_age")]).toEqual(["login", "0"]);
  const back = await browser.get(pathOf(await idp.signIn(way.location, `s-${name}`)));
  expect(back.location.startsWith("/_weft/oauth/authorize?")).toBe(true);
  expect((await browser.get(back.location)).status).toBe(200);
  // Who is not asked to is let through with what the provider knows.
  const usual = await newBrowser().get(`${ACCOUNT}/sso/begin?provider=idp`);
  expect(new URL(usual.location).searchParams.has("prompt")).toBe(false);
});
