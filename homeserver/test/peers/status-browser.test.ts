/** What people say of themselves, in two browsers at a real server: seen at once, kept when the server starts anew. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRoom } from "../../../web-client/e2e/conversation.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { hasBrowser, launchBrowser, openScreen, type Screen } from "./support/browser.ts";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("a status, in browsers", { timeout: 120_000 }, () => {
  let server: TestServer;
  let browser: Browser;
  let bea: Screen;
  let carl: Screen;

  beforeAll(async () => {
    server = await startServer();
    const [first, second] = [await register(server, "bea"), await register(server, "carl")];
    await beDirect(first, second);
    browser = await launchBrowser();
    bea = await openScreen(browser, { scheme: "light" });
    carl = await openScreen(browser, { scheme: "dark" });
    await signIn(bea.page, first);
    await signIn(carl.page, second);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, 60_000);

  async function beDirect(one: TestUser, other: TestUser): Promise<void> {
    const body = { is_direct: true, invite: [other.userId], preset: "trusted_private_chat" };
    const { room_id: roomId } = await one.call("POST", "/createRoom", body);
    await other.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    for (const [who, whom] of [
      [one, other],
      [other, one],
    ] as const) {
      const content = { [whom.userId]: [roomId] };
      await who.call("PUT", `/user/${who.userId}/account_data/m.direct`, content);
    }
  }

  /** Opens the page as a device that is signed in already. */
  async function signIn(page: Page, user: TestUser): Promise<void> {
    const { userId, deviceId, token: accessToken } = user;
    const session = JSON.stringify({ baseUrl: "", userId, deviceId, accessToken });
    await page.addInitScript((kept) => localStorage.setItem("weft.session", kept), session);
    await page.goto(server.baseUrl);
    const later = page.locator("weft-dialog").getByRole("button", { name: "Later" });
    await later.click();
  }

  async function setStatus(page: Page, text: string, state: RegExp): Promise<void> {
    await page.getByRole("button", { name: "Your account" }).click();
    await page.getByRole("menuitem", { name: "Status" }).click();
    await page.getByLabel("What are you up to?").fill(text);
    await page.getByRole("radio", { name: state }).check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("weft-dialog").waitFor({ state: "detached" });
  }

  test("is seen by the other in the chat, in the list of people and on the card", async () => {
    await openRoom(carl.page, "bea");
    await setStatus(bea.page, "Weaving till five", /^Online/);
    const header = carl.page.locator("weft-room-header");
    await header.getByText("Weaving till five").waitFor();
    await carl.page.getByRole("button", { name: /^People/ }).click();
    await carl.page.locator("weft-member-list").getByText("Weaving till five").waitFor();
    await carl.page.locator("weft-member-list").getByRole("button", { name: /bea/ }).click();
    await carl.page.locator("weft-member-card").getByText("Weaving till five").waitFor();
    await carl.page.keyboard.press("Escape");
  });

  test("goes with the person into hiding", async () => {
    const header = carl.page.locator("weft-room-header");
    await header.getByText("Online · Weaving till five").waitFor();
    await setStatus(bea.page, "Back on Monday", /^Invisible/);
    await header.getByText("Back on Monday", { exact: true }).waitFor();
    await bea.page.reload();
    await bea.page.getByRole("navigation", { name: "Rooms" }).waitFor();
    await setStatus(bea.page, "Here again", /^Online/);
    await header.getByText("Online · Here again").waitFor();
  });

  test("outlasts the server", async () => {
    await server.stop();
    await server.restart();
    const header = carl.page.locator("weft-room-header");
    await carl.page.reload();
    await header.getByText("Online · Here again").waitFor({ timeout: 60_000 });
    await setStatus(bea.page, "", /^Online/);
    await header.getByText("Online", { exact: true }).waitFor();
  });

  test("no page broke", () => {
    expect([...bea.errors, ...carl.errors]).toEqual([]);
  });
});
