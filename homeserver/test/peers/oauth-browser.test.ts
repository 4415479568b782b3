/**
 * The OAuth 2.0 API in a browser: a page of another origin signs somebody in with oidc-client-ts, as Element does, and the
 * account's page does what it says.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import type { Body } from "../support/user.ts";
import { hasBrowser, launchBrowser, openScreen, picture } from "./support/browser.ts";
import { isAccessible } from "./support/views.ts";

const LIBRARY = readFileSync(
  createRequire(import.meta.url)
    .resolve("oidc-client-ts")
    .replace(/[^/]+\/[^/]+$/, "browser/oidc-client-ts.min.js"),
);

/** The page of an app: nothing but the library, and functions that the test calls. */
const APP = `<!doctype html><title>An app</title><script src="/oidc.js"></script><script>
async function clientOf(base, clientId, back) {
  const metadata = await (await fetch(base + "/_matrix/client/v1/auth_metadata")).json();
  return new oidc.OidcClient({
    metadata, authority: metadata.issuer, client_id: clientId, redirect_uri: back,
    response_type: "code", response_mode: "fragment",
    scope: "urn:matrix:client:api:* urn:matrix:client:device:BROWSERAPP",
    stateStore: new oidc.WebStorageStateStore({ prefix: "app-", store: localStorage }),
  });
}
async function begin(base, prompt) {
  const back = location.origin + "/";
  const metadata = await (await fetch(base + "/_matrix/client/v1/auth_metadata")).json();
  const registered = await (await fetch(metadata.registration_endpoint, {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "A browser app", client_uri: back, redirect_uris: [back],
      grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
      token_endpoint_auth_method: "none", application_type: "web",
    }),
  })).json();
  localStorage.clientId = registered.client_id;
  const client = await clientOf(base, registered.client_id, back);
  const { url } = await client.createSigninRequest({ state: { homeserver: base }, prompt });
  location.href = url;
}
async function finish(base) {
  const client = await clientOf(base, localStorage.clientId, location.origin + "/");
  const answer = await client.processSigninResponse(location.href, undefined, true);
  return { ...answer, userState: answer.userState };
}
async function refresh(base, answer) {
  const client = await clientOf(base, localStorage.clientId, location.origin + "/");
  const state = { refresh_token: answer.refresh_token, scope: answer.scope, session_state: null, profile: {} };
  return { ...(await client.useRefreshToken({ state, timeoutInSeconds: 60 })) };
}
async function revoke(base, token) {
  const client = await clientOf(base, localStorage.clientId, location.origin + "/");
  await client.revokeToken(token, "refresh_token");
}
</script>`;

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "signing in by OAuth in a browser",
  { timeout: 180_000 },
  () => {
    let server: TestServer;
    let app: Server;
    let origin: string;
    let browser: Browser;
    let page: Page;
    let errors: readonly string[];
    let tokens: Body;

    beforeAll(async () => {
      server = await startServer();
      app = createServer((request, response) => {
        const isLibrary = request.url === "/oidc.js";
        response.setHeader("content-type", isLibrary ? "text/javascript" : "text/html");
        response.end(isLibrary ? LIBRARY : APP);
      });
      await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
      origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
      browser = await launchBrowser();
      ({ page, errors } = await openScreen(browser, { scheme: "light" }));
    }, 180_000);

    afterAll(async () => {
      await browser?.close();
      app?.close();
      await server?.close();
    }, 60_000);

    /** Calls a function of the app's page; fails with what it fails with. */
    async function inApp(name: string, ...args: unknown[]): Promise<Body> {
      const { value, error } = await page.evaluate(
        async ([called, given]) => {
          const all = globalThis as unknown as Record<string, (...each: unknown[]) => unknown>;
          try {
            return { value: await all[called]!(...given), error: undefined };
          } catch (thrown) {
            return { value: undefined, error: String(thrown) };
          }
        },
        [name, args] as const,
      );
      if (error !== undefined) throw new Error(`${name}: ${error}`);
      return value;
    }

    const whoami = async (token: string): Promise<{ status: number; body: Body }> => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${server.baseUrl}/_matrix/client/v3/account/whoami`, {
        headers,
      });
      return { status: response.status, body: await response.json() };
    };

    /** In both colour schemes. */
    async function isUsable(): Promise<void> {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await isAccessible(page, colorScheme);
      }
      await page.emulateMedia({ colorScheme: "light" });
    }

    test("a stranger registers, is asked, and comes back with tokens", async () => {
      await page.goto(origin);
      await inApp("begin", server.baseUrl, "create");
      await page.getByRole("heading", { name: "Create an account" }).waitFor();
      await isUsable();
      await page.getByLabel("User name").fill("bea");
      await page.getByLabel("Password", { exact: true }).fill("Bea-Secret-1");
      await page.getByLabel("Password once more").fill("Bea-Secret-1");
      await page.getByRole("button", { name: "Create an account" }).click();
      await page.getByRole("heading", { name: "Sign in to A browser app?" }).waitFor();
      await isUsable();
      await picture(page, "oauth-consent-light");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForURL(`${origin}/#**`);
      tokens = await inApp("finish", server.baseUrl);
      expect(tokens).toMatchObject({
        token_type: "Bearer",
        userState: { homeserver: server.baseUrl },
        scope: "urn:matrix:client:api:* urn:matrix:client:device:BROWSERAPP",
      });
      expect((await whoami(tokens.access_token)).body).toMatchObject({
        user_id: `@bea:${server.name}`,
        device_id: "BROWSERAPP",
      });
    });

    test("the app refreshes its tokens", async () => {
      const next = await inApp("refresh", server.baseUrl, tokens);
      expect((await whoami(next.access_token)).status).toBe(200);
      expect((await whoami(tokens.access_token)).status).toBe(401);
      tokens = { ...tokens, ...next };
    });

    test("who is signed in is only asked; the answer may be no", async () => {
      await page.goto(origin);
      await inApp("begin", server.baseUrl);
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.waitForURL(`${origin}/#**`);
      expect(page.url()).toContain("error=access_denied");
      await expect(inApp("finish", server.baseUrl)).rejects.toThrow("The user said no");
    });

    test("another account signs in instead, with its password", async () => {
      await page.goto(origin);
      await inApp("begin", server.baseUrl);
      await page.getByRole("button", { name: "Use another account" }).click();
      await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
      await isUsable();
      await page.getByLabel("User name").fill("bea");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await isUsable();
      await page.getByLabel("Password").fill("Bea-Secret-1");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Sign in to A browser app?" }).waitFor();
    });

    test("the account's page shows and renames the session", async () => {
      await page.goto(`${server.baseUrl}/_weft/account`);
      await isUsable();
      await picture(page, "account-light");
      await page.getByRole("link", { name: "Sessions" }).click();
      await isUsable();
      await page.getByRole("link", { name: "Show" }).click();
      await isUsable();
      await page.getByLabel(/Only people/).fill("Bea's app");
      await page.getByRole("button", { name: "Rename" }).click();
      await page.getByRole("status").waitFor();
      await page.getByRole("heading", { name: "Bea's app" }).waitFor();
      for (const action of ["profile", "cross_signing_reset", "account_deactivate"]) {
        await page.goto(`${server.baseUrl}/_weft/account?action=org.matrix.${action}`);
        await isUsable();
      }
    });

    test("the app signs out by revoking its tokens", async () => {
      await page.goto(origin);
      await inApp("revoke", server.baseUrl, tokens.refresh_token);
      expect((await whoami(tokens.access_token)).status).toBe(401);
      await page.goto(`${server.baseUrl}/_weft/account?action=org.matrix.devices_list`);
      await page.getByText("No app is signed in.").waitFor();
    });

    test("no page broke", () => {
      expect(errors).toEqual([]);
    });
  },
);
