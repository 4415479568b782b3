/** The e-mail address that a provider has verified becomes the new account's. */
import { expect, test } from "vitest";
import { id } from "../users/support.ts";
import { comeBack, idp, loginBy, newBrowser, t, withProviders } from "./one-server.ts";

const EMAIL = { scopes: ["openid", "profile", "email"] };

withProviders(({ settings }) => [
  settings(EMAIL),
  settings({ id: "other" }),
  settings({ ...EMAIL, id: "linking", linksByName: true }),
]);

const person = (name: string, more: object) =>
  idp.people.set(`s-${name}`, { preferred_username: name, name, ...more });
const verified = (email: unknown) => ({ email, email_verified: true });

async function addressesOf(name: string, provider = "idp") {
  const { location } = await comeBack(newBrowser(), `s-${name}`, { provider });
  const { body } = await loginBy(location);
  expect(body.user_id).toBe(id(name));
  const { body: answer } = await t.call("GET", "account/3pid", undefined, body.access_token);
  return answer.threepids;
}

test("a verified address is the new account's, in its canonical form", async () => {
  person("anna", verified("Anna@There.Test"));
  const now = t.clock.now();
  expect(await addressesOf("anna")).toEqual([
    { medium: "email", address: "anna@there.test", validated_at: now, added_at: now },
  ]);
  expect(await t.users.addresses.ownerOf("anna@there.test")).toBe(id("anna"));
});

test.each([
  ["unverified", { email: "u@there.test", email_verified: false }],
  ["unsaid", { email: "u@there.test" }],
  ["word", { email: "u@there.test", email_verified: "true" }],
  ["no-address", verified("u at there")],
  ["no-text", verified(["u@there.test"])],
  ["too-long", verified(`${"u".repeat(300)}@there.test`)],
])("an address is not taken that is %s, and the account is there", async (name, claims) => {
  person(name, claims);
  expect(await addressesOf(name)).toEqual([]);
});

test("the address is where it is said to be verified", async () => {
  const nothing = { email: undefined, email_verified: undefined };
  person("hal", verified("hal@there.test"));
  idp.inTokens.set("s-hal", nothing);
  expect(await addressesOf("hal")).toMatchObject([{ address: "hal@there.test" }]);
  // One says which address, the other that some other one is verified.
  person("ida", verified("ida@there.test"));
  idp.inTokens.set("s-ida", { ...nothing, email: "victim@there.test" });
  expect(await addressesOf("ida")).toMatchObject([{ address: "ida@there.test" }]);
  person("jon", { email: "victim@there.test" });
  idp.inTokens.set("s-jon", { ...nothing, email_verified: true });
  expect(await addressesOf("jon")).toEqual([]);
});

test("an address that belongs to another account stays there", async () => {
  person("ben", verified("ben@there.test"));
  expect(await addressesOf("ben")).toHaveLength(1);
  person("ben2", verified("BEN@there.test"));
  expect(await addressesOf("ben2")).toEqual([]);
  expect(await t.users.addresses.ownerOf("ben@there.test")).toBe(id("ben"));
});

test("two who come at once with one address both get in, and one of them has it", async () => {
  const names = ["carl", "cora"];
  for (const name of names) person(name, verified("c@there.test"));
  const found = await Promise.all(names.map((name) => addressesOf(name)));
  expect(found.flat()).toHaveLength(1);
});

test("whoever is asked for a name has the address, too", async () => {
  person("dora", verified("dora@there.test"));
  await t.register("dora");
  const browser = newBrowser();
  const page = await comeBack(browser, "s-dora");
  const path = "/_weft/account/sso/continue";
  const { location } = await browser.send(page, path, { username: "dora2" });
  const { user_id: userId } = (await loginBy(location)).body;
  expect(await t.users.addresses.ownerOf("dora@there.test")).toBe(userId);
});

test("only the first sign-in counts, and only an account that it opens", async () => {
  person("emma", {});
  expect(await addressesOf("emma")).toEqual([]);
  person("emma", verified("emma@there.test"));
  expect(await addressesOf("emma")).toEqual([]);
  await t.register("fred");
  person("fred", verified("fred@there.test"));
  expect(await addressesOf("fred", "linking")).toEqual([]);
});

test("a provider that is not asked for addresses says none", async () => {
  person("gus", verified("gus@there.test"));
  expect(await addressesOf("gus", "other")).toEqual([]);
});
