/** New users agree to the terms also when they come from a provider. */
import { expect, test } from "vitest";
import { agreedTermsOf } from "../../src/storage/oauth/agreed-terms.ts";
import { id } from "../users/support.ts";
import { comeBack, idp, loginBy, newBrowser, t, withProviders } from "./one-server.ts";

const texts = new Map([["en", { name: "The rules", url: "https://here.test/rules" }]]);
withProviders(({ settings }) => [settings()], { policies: [{ id: "rules", version: "3", texts }] });

test("once, before there is an account", async () => {
  idp.people.set("s-anna", { preferred_username: "anna" });
  const browser = newBrowser();
  const page = await comeBack(browser, "s-anna");
  expect(page.status).toBe(200);
  expect(page.body).toContain("The rules");
  const send = (more: object) =>
    browser.send(page, "/_weft/account/sso/continue", { username: "anna", ...more });
  const no = await send({});
  expect(no.status).toBe(400);
  expect(no.body).toContain("Agree to the terms first");
  expect(await t.users.accounts.exists(id("anna"))).toBe(false);
  expect((await loginBy((await send({ agreed: "yes" })).location)).body.user_id).toBe(id("anna"));
  expect(await agreedTermsOf(t.sql, id("anna"))).toEqual({ rules: "3" });
  expect((await comeBack(newBrowser(), "s-anna")).status).toBe(303);
});
