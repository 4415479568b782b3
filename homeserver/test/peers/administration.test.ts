import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import * as admin from "../../../web-client/e2e/administration.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { hasBrowser, launchBrowser, openScreen, picture, type Screen } from "./support/browser.ts";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("the administration", { timeout: 240_000 }, () => {
  let server: TestServer;
  let browser: Browser;
  let root: Screen;
  let alice: Screen;
  let bob: TestUser;
  /** The path of each request of Alice's page. */
  const asked: string[] = [];

  beforeAll(async () => {
    await ensureWebClient();
    server = await startServer();
    const { userId } = await register(server, "root");
    await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${userId}`;
    bob = await register(server, "bob");
    await register(server, "alice");
    browser = await launchBrowser();
    root = await openScreen(browser, { scheme: "light" });
    alice = await openScreen(browser, { scheme: "dark" });
    alice.page.on("request", (request) => void asked.push(new URL(request.url()).pathname));
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, 60_000);

  const signIn = ({ page }: Screen, username: string) =>
    admin.signIn(page, { baseUrl: server.baseUrl, username, password: `${username}-Secret-1` });

  test("a user sees nothing of it, not even at its address", async () => {
    const { page } = alice;
    await signIn(alice, "alice");
    await putOff(page);
    expect(await admin.accountMenu(page)).not.toContain("Administration");
    await page.evaluate(`location.hash = "#/admin/users"`);
    await page.getByText("There is nothing for your account at this address.").waitFor();
    expect(await page.locator("weft-admin").count()).toBe(0);
    expect(asked.filter((path) => /\/(_synapse|_weft)\/admin/.test(path))).toEqual([]);
  });

  test("an administrator creates a user, who signs in with the password that was made up", async () => {
    const { page } = root;
    await signIn(root, "root");
    await putOff(page);
    await admin.openAdministration(page);
    await admin.goTo(page, "Users");
    await page.getByRole("button", { name: "Create a user" }).click();
    await admin.act(page).getByLabel("User name").fill("carol");
    await admin.act(page).getByLabel("Display name").fill("Carol Danvers");
    await admin.confirm(page, "Create");
    const password = (await admin.act(page).locator("code").innerText()).trim();
    await admin.confirm(page, "Done");
    await admin.find(page, "Name or address", "carol", "Carol Danvers");
    await page.getByRole("heading", { name: "Carol Danvers" }).waitFor();
    await picture(page, "administration-user-light");
    const response = await fetch(`${server.baseUrl}/_matrix/client/v3/login`, {
      method: "POST",
      body: JSON.stringify({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: "carol" },
        password,
      }),
    });
    expect(response.status).toBe(200);
  });

  test("the list finds, and an account is suspended and free again", async () => {
    const { page } = root;
    await admin.goTo(page, "Users");
    await page.getByRole("table", { name: "Users" }).waitFor();
    await picture(page, "administration-users-light");
    await admin.find(page, "Name or address", "bob", "bob");
    await page.getByRole("heading", { name: "bob" }).waitFor();
    await page.getByRole("button", { name: "Suspend" }).click();
    await admin.confirm(page, "Suspend");
    await page.getByText("Suspended", { exact: true }).waitFor();
    const refused = await bob.ask("POST", "/createRoom", {});
    expect(refused.body.errcode).toBe("M_USER_SUSPENDED");
    await page.getByRole("button", { name: "End suspension" }).click();
    await admin.confirm(page, "End suspension");
    await page.getByText("Suspended", { exact: true }).waitFor({ state: "detached" });
    await bob.call("POST", "/createRoom", {});
  });

  test("a list of users is created, and a link invites", async () => {
    const { page } = root;
    await admin.goTo(page, "Users");
    await page.getByRole("link", { name: "Create many" }).click();
    await page
      .getByLabel("Or the list itself")
      .fill("dave,Dave Bowman\nalice,Taken\neve,Eve Moneypenny");
    await page.getByRole("button", { name: "Create (3)" }).click();
    await page.getByText("Lines: 3, with an error: 0, created: 2").waitFor();
    await page.getByText(/This name is taken/).waitFor();
    await admin.goTo(page, "Invitation links");
    await page.getByRole("button", { name: "Invite by link" }).click();
    await admin.confirm(page, "Make a link");
    const link = (await admin.act(page).locator("code").innerText()).trim();
    expect(link).toMatch(/registration_token=/);
    await admin.confirm(page, "Done");
    await page.getByText("0 of 1").waitFor();
  });

  test("what was done is in the audit log", async () => {
    const { page } = root;
    await admin.goTo(page, "Audit log");
    await page.getByText("suspendUser").first().waitFor();
    await page.getByText("createInviteLink").waitFor();
    expect(root.errors).toEqual([]);
  });
});
