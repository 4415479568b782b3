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
  let eve: TestUser;
  /** The path of each request of Alice's page. */
  const asked: string[] = [];

  beforeAll(async () => {
    await ensureWebClient();
    server = await startServer();
    const { userId } = await register(server, "root");
    await server.database.sql`UPDATE accounts SET is_admin = true WHERE user_id = ${userId}`;
    bob = await register(server, "bob");
    eve = await register(server, "eve2");
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

  test("a report is decided with its note, from the overview on", async () => {
    const { page } = root;
    const { room_id: roomId } = await bob.call("POST", "/createRoom", {
      ...{ name: "Kitchen", preset: "public_chat" },
    });
    const room = encodeURIComponent(roomId);
    await eve.call("POST", `/join/${room}`, {});
    await bob.send(roomId, "Is there tea?");
    const bad = encodeURIComponent(await eve.send(roomId, "Buy watches"));
    await bob.call("POST", `/rooms/${room}/report/${bad}`, { reason: "Spam again" });
    await admin.goTo(page, "Overview");
    await page.getByRole("img", { name: /^Requests a minute:/ }).waitFor();
    await page.getByRole("link", { name: /Reports to decide\s*1/ }).click();
    await page.locator("weft-admin-list tbody a.name").click();
    await page.getByText("Is there tea?").waitFor();
    await page.getByRole("button", { name: "Remove the message" }).click();
    await admin.act(page).getByLabel("Why (it is noted)").fill("Advertising");
    await admin.confirm(page, "Remove the message");
    const decisions = page.getByRole("list", { name: "Decisions" });
    await decisions.getByText("Advertising").waitFor();
    await decisions.getByText("Done", { exact: true }).waitFor();
    const removed = await bob.call("GET", `/rooms/${room}/event/${bad}`);
    expect(removed.content).toEqual({});
  });

  test("a file is kept from everybody, and given back", async () => {
    const { page } = root;
    const file = { "content-type": "image/png", authorization: `Bearer ${eve.token}` };
    const upload = await fetch(`${server.baseUrl}/_matrix/media/v3/upload?filename=cat.png`, {
      ...{ method: "POST", headers: file, body: "not much of a cat" },
    });
    const { content_uri: uri } = (await upload.json()) as { content_uri: string };
    const path = uri.replace("mxc://", "/_matrix/client/v1/media/download/");
    const status = async () => {
      const headers = { authorization: `Bearer ${bob.token}` };
      return (await fetch(`${server.baseUrl}${path}`, { headers })).status;
    };
    expect(await status()).toBe(200);
    await admin.goTo(page, "Files");
    await page.getByLabel("Address of a file").fill(uri);
    await page.getByLabel("Address of a file").press("Enter");
    await page.getByRole("button", { name: "Quarantine" }).click();
    await admin.confirm(page, "Quarantine");
    await page.getByText("Quarantined", { exact: true }).waitFor();
    expect(await status()).toBe(404);
    await page.getByRole("button", { name: "Give back" }).click();
    await admin.confirm(page, "Give back");
    await page.getByRole("button", { name: "Quarantine" }).waitFor();
    expect(await status()).toBe(200);
  });

  test("a room is found and deleted, with its progress till it is done", async () => {
    const { page } = root;
    await admin.goTo(page, "Rooms");
    await admin.find(page, "Name or address", "Kitchen", "Kitchen");
    await page.getByRole("button", { name: "Delete the room" }).click();
    const typed = admin.act(page).getByLabel(/^Type .* to confirm$/);
    const label = await admin
      .act(page)
      .getByText(/^Type .* to confirm$/)
      .innerText();
    await typed.fill(label.replace(/^Type (.*) to confirm$/, "$1"));
    await admin.confirm(page, "Delete the room");
    await page.getByText("Put out: 2, could not be put out: 0").waitFor();
    // It is looked at from elsewhere, too, and gone from the list in the end.
    await admin.goTo(page, "Background work");
    await page.getByRole("row").filter({ hasText: "Deleting a room" }).getByText("Done").waitFor();
    await admin.goTo(page, "Rooms");
    await page.getByLabel("Name or address").fill("Kitchen");
    await page.getByText("No room matches.").waitFor();
    expect((await bob.call("GET", "/joined_rooms")).joined_rooms).toHaveLength(1);
  });

  test("what was done is in the audit log", async () => {
    const { page } = root;
    await admin.goTo(page, "Audit log");
    for (const deed of ["Quarantine a file", "Delete a room", "Suspend an account"])
      await page.getByText(deed, { exact: true }).first().waitFor();
    await page.getByText("Decision:").first().waitFor();
    await page.getByText("Make an invite link").waitFor();
    expect(root.errors).toEqual([]);
  });
});
