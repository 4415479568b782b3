/** The web client signs in by OAuth 2.0 at a real server: there and back, two tabs, tokens that are renewed, and the end. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import {
  createRoom,
  message,
  openRoom,
  sendMessage,
} from "../../../web-client/e2e/conversation.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type Body } from "../support/user.ts";
import { hasBrowser, launchBrowser, openScreen } from "./support/browser.ts";
import { isAccessible } from "./support/views.ts";

const TOKEN = "/_weft/oauth/token";
const SESSION = "weft.session";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "the web client signs in by OAuth",
  { timeout: 180_000 },
  () => {
    let server: TestServer;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    let errors: readonly string[];

    beforeAll(async () => {
      server = await startServer();
      await register(server, "bea");
      browser = await launchBrowser();
      ({ page, errors } = await openScreen(browser, { scheme: "light" }));
      context = page.context();
    }, 180_000);

    afterAll(async () => {
      await browser?.close();
      await server?.close();
    }, 60_000);

    const session = async (): Promise<Body> =>
      JSON.parse((await page.evaluate((key) => localStorage.getItem(key), SESSION)) ?? "null");

    const whoami = async (token: string): Promise<{ status: number; body: Body }> => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${server.baseUrl}/_matrix/client/v3/account/whoami`, {
        headers,
      });
      return { status: response.status, body: await response.json() };
    };

    const isUsable = () => isAccessible(page, page.url());

    /** Has the page take its token for one that ends now. */
    const age = (): Promise<void> =>
      page.evaluate((key) => {
        const kept = JSON.parse(localStorage.getItem(key) ?? "{}") as object;
        localStorage.setItem(key, JSON.stringify({ ...kept, expiresAt: Date.now() }));
      }, SESSION);

    const go = () => page.getByRole("button", { name: "Continue on the server’s page" }).click();

    test("a code that nobody here asked for lets nobody in", async () => {
      await page.goto(`${server.baseUrl}/#code=stolen&state=x`);
      await page.getByText("was not begun here").waitFor();
      expect(page.url()).not.toContain("stolen");
    });

    test("who says no on the server's page is back where they were", async () => {
      await page.goto(server.baseUrl);
      await page.getByRole("button", { name: "Continue on the server’s page" }).waitFor();
      await isUsable();
      await go();
      await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
      await page.getByLabel("User name").fill("bea");
      await page.getByLabel("Password").fill("bea-Secret-1");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Sign in to Weft?" }).waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("You did not allow the sign-in.").waitFor();
      expect(page.url()).not.toContain("state=");
    });

    test("who says yes is signed in, on a device that tells which browser it is", async () => {
      await go();
      await page.getByRole("heading", { name: "Sign in to Weft?" }).waitFor();
      await page.getByRole("button", { name: "Continue" }).click();
      await putOff(page);
      expect(page.url()).not.toContain("code=");
      const { accessToken, deviceId, oauth, refreshToken } = await session();
      expect([typeof oauth.clientId, typeof refreshToken]).toEqual(["string", "string"]);
      expect((await whoami(accessToken)).body).toMatchObject({
        user_id: `@bea:${server.name}`,
        device_id: deviceId,
      });
      await page.goto(`${server.baseUrl}/#/settings/devices`);
      await page.getByText(/^Weft in Chromium on/).waitFor();
    });

    test("a token that has ended is renewed once for two tabs, which both go on", async () => {
      await page.goto(`${server.baseUrl}/#/`);
      await createRoom(page, { name: "Workshop" });
      const before = await session();
      let renewals = 0;
      context.on("request", (request) => {
        if (new URL(request.url()).pathname === TOKEN) renewals++;
      });
      const second = await context.newPage();
      await second.goto(server.baseUrl);
      await openRoom(second, "Workshop");
      // What is still asked at the start would renew it before the pages begin anew.
      await second.waitForFunction(`document.documentElement.dataset.socket === "open" &&
        document.querySelector("weft-app").shadowRoot.querySelector("weft-shell").client.sync.since !== undefined`);
      await age();
      await Promise.all([page.reload(), second.reload()]);
      await openRoom(page, "Workshop");
      await openRoom(second, "Workshop");
      await sendMessage(page, "from the first tab");
      await message(second, "from the first tab").waitFor();
      await sendMessage(second, "from the second");
      await message(page, "from the second").waitFor();
      expect(renewals).toBe(1);
      const { accessToken, refreshToken } = await session();
      expect(accessToken).not.toBe(before.accessToken);
      expect(refreshToken).not.toBe(before.refreshToken);
      await second.close();
    });

    test("a tab that closes amid a renewal takes no session with it", async () => {
      const second = await context.newPage();
      await second.goto(server.baseUrl);
      await openRoom(second, "Workshop");
      const answered = Promise.withResolvers<void>();
      await second.route(`**${TOKEN}`, async (route) => {
        // The server has given new tokens, which never arrive.
        await route.fetch();
        answered.resolve();
      });
      await page.goto("about:blank");
      await second.evaluate((key) => {
        const kept = JSON.parse(localStorage.getItem(key) ?? "{}") as object;
        localStorage.setItem(key, JSON.stringify({ ...kept, expiresAt: Date.now() }));
      }, SESSION);
      await second.reload();
      await answered.promise;
      await second.close();
      await page.goto(server.baseUrl);
      await openRoom(page, "Workshop");
      await sendMessage(page, "still here");
      await message(page, "still here").waitFor();
      expect((await whoami((await session()).accessToken)).status).toBe(200);
    });

    test("what needs a password is done on the server's page", async () => {
      await page.goto(`${server.baseUrl}/#/settings/password`);
      const link = page.getByRole("link", { name: "Open the account page" });
      await link.waitFor();
      await isUsable();
      expect(await link.getAttribute("href")).toBe(
        `${server.baseUrl}/_weft/account?action=org.matrix.profile`,
      );
      await page.goto(`${server.baseUrl}/#/settings/account`);
      await page.getByRole("heading", { name: "Close the account" }).waitFor();
      await link.waitFor();
      await isUsable();
    });

    test("a session that ended but is kept goes on as the same device", async () => {
      const before = await session();
      await page.route("**/_matrix/client/**", async (route) => {
        const isSync = route.request().url().includes("/sync");
        if (!isSync) return route.continue();
        const body = { errcode: "M_UNKNOWN_TOKEN", error: "Ended", soft_logout: true };
        return route.fulfill({ status: 401, json: body });
      });
      await page.route(`**${TOKEN}`, (route) =>
        route.fulfill({ status: 400, json: { error: "invalid_grant" } }),
      );
      await page.goto(`${server.baseUrl}/#/`);
      await page.reload();
      await page.getByRole("heading", { name: "Sign in again" }).waitFor();
      await page.unrouteAll();
      await go();
      await page.getByRole("button", { name: "Continue" }).click();
      await openRoom(page, "Workshop");
      const { deviceId, accessToken } = await session();
      expect(deviceId).toBe(before.deviceId);
      expect((await whoami(accessToken)).status).toBe(200);
    });

    test("signing out ends the tokens on the server", async () => {
      const { accessToken } = await session();
      await page.getByRole("button", { name: "Your account" }).click();
      await page.getByRole("menuitem", { name: "Sign out" }).click();
      await page
        .locator("weft-dialog")
        .getByRole("button", { name: /^Sign out/ })
        .click();
      await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
      expect((await whoami(accessToken)).status).toBe(401);
      expect(await session()).toBeNull();
    });

    test("a server without passwords is signed in to on its page alone", async () => {
      await page.route("**/_matrix/client/v3/login", (route) =>
        route.fulfill({ json: { flows: [{ type: "m.login.sso" }] } }),
      );
      await page.reload();
      const main = page.getByRole("button", { name: "Continue", exact: true });
      await main.waitFor();
      expect(await page.getByLabel("Password").count()).toBe(0);
      expect(await page.getByText("single sign-on").count()).toBe(0);
      await isUsable();
      await page.getByRole("button", { name: "Create an account" }).click();
      await page.getByRole("heading", { name: /Sign in to Weft\?|Create an account/ }).waitFor();
      await page.goBack();
      await main.click();
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    });

    test("no page broke", () => {
      expect(errors).toEqual([]);
    });
  },
);
