/** Single sign-on in a browser: the web client sends it to a provider, and is let in when it comes back. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { NO_SIGN_IN } from "../../src/config/sign-in-file.ts";
import { type IdentityProvider, startIdentityProvider } from "../support/identity-provider.ts";
import { freePorts } from "../support/ports.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { hasBrowser, launchBrowser, openScreen, picture } from "./support/browser.ts";
import { isAccessible } from "./support/views.ts";

const RULES = { name: "The rules", url: "https://here.test/rules" };

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "single sign-on in a browser",
  { timeout: 120_000 },
  () => {
    let idp: IdentityProvider;
    let server: TestServer;
    let browser: Browser;
    let page: Page;
    let errors: readonly string[];

    beforeAll(async () => {
      const [port] = (await freePorts(1)) as [number];
      const base = `http://127.0.0.1:${port}`;
      idp = await startIdentityProvider([`${base}/_weft/account/sso/callback/idp`]);
      idp.people.set("s-bea", { preferred_username: "bea", name: "Bea Holm" });
      server = await startServer({
        listen: { host: "127.0.0.1", port },
        publicBaseUrl: base,
        signIn: {
          ...NO_SIGN_IN,
          sso: { providers: [idp.settings()], trustedOrigins: [] },
          policies: [{ id: "rules", version: "1", texts: new Map([["en", RULES]]) }],
        },
      });
      browser = await launchBrowser();
      ({ page, errors } = await openScreen(browser, { scheme: "light" }));
    }, 180_000);

    afterAll(async () => {
      await browser?.close();
      await server?.close();
      await idp?.close();
    }, 60_000);

    const isUsable = () => isAccessible(page, page.url());

    test("somebody without an account signs in to the web client", async () => {
      await page.goto(server.config.publicBaseUrl);
      await page.getByRole("button", { name: "Continue with The Provider" }).waitFor();
      await isUsable();
      await picture(page, "sso-sign-in-light");
      await page.getByRole("button", { name: "Continue with The Provider" }).click();
      await page.getByLabel("Who are you?").fill("s-bea");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Create an account" }).waitFor();
      await isUsable();
      await page.getByLabel("I agree to").check();
      await page.getByRole("button", { name: "Create an account" }).click();
      await putOff(page);
      await page.getByText("Bea Holm").first().waitFor();
      expect(page.url()).not.toContain("loginToken");
    });

    test("a token that somebody else slips in lets nobody in", async () => {
      const { page: other } = await openScreen(browser, { scheme: "light" });
      await other.goto(`${server.config.publicBaseUrl}/?loginToken=weft_l_of_mallory&sso=x`);
      await other.getByRole("alert").waitFor();
      expect(await other.getByRole("alert").textContent()).toContain("was not begun here");
      expect(other.url()).not.toContain("loginToken");
      await other.close();
    });

    test("the account's page lets the same person in, without asking again at the provider", async () => {
      await page.goto(`${server.config.publicBaseUrl}/_weft/account`);
      await page.getByRole("link", { name: "Continue with The Provider" }).waitFor();
      await isUsable();
      await page.getByRole("link", { name: "Continue with The Provider" }).click();
      await page.getByText(`@bea:${server.name}`).first().waitFor();
    });

    test("who registers with a password agrees to the terms on a page of the server", async () => {
      const { page: other } = await openScreen(browser, { scheme: "light" });
      await other.goto(`${server.config.publicBaseUrl}/#/register`);
      await other.getByLabel("User name").fill("carl");
      await other.getByLabel("Password", { exact: true }).fill("Carl-Secret-1");
      await other.getByRole("button", { name: "Create account" }).click();
      const opened = other.waitForEvent("popup");
      await other.getByRole("button", { name: "Read the terms" }).click();
      const popup = await opened;
      await popup.getByLabel("I agree to").check();
      await popup.getByRole("button", { name: "Continue" }).click();
      await putOff(other);
      await other.context().close();
    });

    test("no page broke", () => {
      expect(errors).toEqual([]);
    });
  },
);
