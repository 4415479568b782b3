/** Answers of a provider that are not what was asked for. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IdentityProvider, startIdentityProvider } from "../support/identity-provider.ts";
import {
  APP,
  callback,
  idp,
  newBrowser,
  pathOf,
  redirectPath,
  t,
  TRUSTED,
  withProviders,
} from "./one-server.ts";

let late: IdentityProvider;
let gone: IdentityProvider;
const addresses: Record<string, string> = {};

beforeAll(async () => {
  // Its ID tokens are too old when they are made.
  late = await startIdentityProvider([callback("late")], { idTokenLifeS: -3_600 });
  gone = await startIdentityProvider([callback("gone")]);
  Object.assign(addresses, { late: late.issuer, gone: gone.issuer });
});
afterAll(() => late.close());

withProviders(({ settings, issuer }) => [
  settings(),
  settings({ id: "other" }),
  late.settings({ id: "late" }),
  gone.settings({ id: "gone" }),
  // The same server by another name, which is not how it calls itself.
  settings({ id: "elsewhere", issuer: issuer.replace("127.0.0.1", "localhost") }),
  settings({ id: "linking", clientSecret: "wrong" }),
]);

/** Somebody begins, and signs in there: the address by which they would come back. */
async function answered(provider = "idp", change = (url: URL): void => void url, by = idp) {
  by.people.set("s-anna", { preferred_username: "anna" });
  const browser = newBrowser();
  const { location } = await browser.get(redirectPath(TRUSTED, provider));
  const url = new URL(location);
  change(url);
  return { browser, path: pathOf(await by.signIn(url.href, "s-anna")) };
}

async function expectNobody(
  seen: { status: number; location: string; body: string },
  text: string,
) {
  expect([seen.status, seen.location]).toEqual([403, ""]);
  expect(seen.body).toContain(text);
  expect(await t.sql`SELECT 1 FROM accounts`).toHaveLength(0);
}

test("a wrong nonce", async () => {
  const { browser, path } = await answered("idp", (url) => url.searchParams.set("nonce", "x"));
  await expectNobody(await browser.get(path), "Signing in at The Provider did not work");
});

test("a challenge of somebody else", async () => {
  const { browser, path } = await answered("idp", (url) =>
    url.searchParams.set("code_challenge", "x".repeat(43)),
  );
  await expectNobody(await browser.get(path), "did not work");
});

test("an answer in another provider's name", async () => {
  const { browser, path } = await answered();
  const url = new URL(path, "http://x");
  url.searchParams.set("iss", "https://evil.test");
  await expectNobody(await browser.get(url.pathname + url.search), "did not work");
});

test("an answer on another provider's way back", async () => {
  const { browser, path } = await answered();
  await expectNobody(await browser.get(path.replace("/idp", "/other")), "another provider");
  const unknown = await browser.get(path.replace("/idp", "/nobody"));
  expect(unknown.status).toBe(404);
});

test("an issuer that calls itself otherwise", async () => {
  const { status, location, body } = await newBrowser().get(redirectPath(APP, "elsewhere"));
  expect([status, location]).toEqual([403, ""]);
  expect(body).toContain("did not work");
});

test("an ID token that is too old", async () => {
  const { browser, path } = await answered("late", undefined, late);
  await expectNobody(await browser.get(path), "did not work");
});

test("a secret that is wrong", async () => {
  const { browser, path } = await answered("linking");
  await expectNobody(await browser.get(path), "did not work");
});

test("the state of another browser, or of none", async () => {
  const { path } = await answered();
  await expectNobody(await newBrowser().get(path), "in another browser");
  const other = newBrowser();
  await other.get(redirectPath(TRUSTED, "idp"));
  await expectNobody(await other.get(path), "in another browser");
});

test("a state that was tampered with, or is none", async () => {
  const { browser, path } = await answered();
  for (const state of ["", "x", "A".repeat(40_000), Buffer.alloc(200).toString("base64url")]) {
    const url = new URL(path, "http://x");
    url.searchParams.set("state", state);
    await expectNobody(await browser.get(url.pathname + url.search), "begin again");
  }
  await expectNobody(await browser.get(callback("idp").slice(24)), "begin again");
  expect((await browser.get(`${path}&state=x`)).status).toBe(400);
});

test("an answer that comes too late", async () => {
  const { browser, path } = await answered();
  t.clock.advance(15 * 60_000);
  await expectNobody(await browser.get(path), "taken too long");
});

test("who says no at the provider", async () => {
  const browser = newBrowser();
  const { location } = await browser.get(redirectPath(TRUSTED, "idp"));
  const back = await browser.get(pathOf(await idp.refuse(location)));
  await expectNobody(back, "You have not signed in at The Provider");
});

test("a ticket of another kind", async () => {
  const { browser, path } = await answered();
  const state = new URL(path, "http://x").searchParams.get("state")!;
  const page = await browser.get("/_weft/account/sign-in");
  const all: Record<string, string>[] = [
    { ticket: state, decision: "allow" },
    { ticket: state, username: "anna" },
    { decision: "allow" },
  ];
  for (const fields of all) {
    await expectNobody(await browser.send(page, "/_weft/account/sso/continue", fields), "begin");
  }
});

test("a provider that is away", async () => {
  const { browser, path } = await answered("gone", undefined, gone);
  await gone.close();
  // What it said of itself is still known: the browser is sent there.
  expect((await newBrowser().get(redirectPath(APP, "gone"))).status).toBe(302);
  const back = await browser.get(path);
  expect([back.status, back.location]).toEqual([502, ""]);
  expect(back.body).toContain("The Provider does not answer");
});

/** At the end: it opens an account. */
test("a code that was used", async () => {
  const { browser, path } = await answered();
  expect((await browser.get(path)).status).toBe(303);
  const again = await browser.get(path);
  expect([again.status, again.location]).toEqual([403, ""]);
});
