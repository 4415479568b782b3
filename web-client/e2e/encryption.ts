import type { Page } from "playwright-core";
import { acceptInvite } from "./conversation.ts";

/** What a person does about encryption in the web client, as functions on a Playwright page. */

const OFFER = "Secure your messages";

const dialog = (page: Page) => page.locator("weft-dialog");
const button = (page: Page, name: string) =>
  dialog(page).getByRole("button", { name, exact: true });

/** Puts off what a new account is offered. */
export async function putOff(page: Page): Promise<void> {
  await page.getByRole("heading", { name: OFFER }).waitFor();
  await button(page, "Later").click();
  await dialog(page).waitFor({ state: "detached" });
}

/** Takes the offer that a new account gets. Answers the recovery key. */
export async function setUp(page: Page): Promise<string> {
  await page.getByRole("heading", { name: OFFER }).waitFor();
  await button(page, "Set up").click();
  const key = await dialog(page).getByRole("textbox", { name: "Recovery key" }).innerText();
  await dialog(page).getByLabel("I have put it somewhere safe").check();
  await button(page, "Done").click();
  await dialog(page).waitFor({ state: "detached" });
  return key;
}

/** Signs in on a new device of an account that has an identity, and puts off verifying it. */
export async function signIn(
  page: Page,
  account: { baseUrl: string; username: string; password: string },
): Promise<void> {
  await page.goto(`${account.baseUrl}/#/sign-in`);
  await page.getByLabel("User name").fill(account.username);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Verify this device" }).waitFor();
  await button(page, "Later").click();
  await dialog(page).waitFor({ state: "detached" });
}

/** Waits until a message is shown that this device cannot read before it is verified. */
export async function waitForUnreadable(page: Page): Promise<void> {
  await page.getByText("Sent before you signed in here. Verify this device").first().waitFor();
}

async function openVerifying(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Verify this device" }).click();
  await page.getByRole("heading", { name: "Verify this device" }).waitFor();
}

/** Verifies this device by the recovery key. */
export async function unlock(page: Page, recoveryKey: string): Promise<void> {
  await openVerifying(page);
  await dialog(page).getByRole("button", { name: "Use your recovery key" }).click();
  await dialog(page).getByLabel("Recovery key", { exact: true }).fill(recoveryKey);
  await button(page, "Verify").click();
  await dialog(page).waitFor({ state: "detached" });
}

const emoji = (page: Page): Promise<string[]> =>
  dialog(page)
    .getByRole("list", { name: "The emoji to compare" })
    .getByRole("listitem")
    .allInnerTexts();

/** Compares emoji on two pages on which a verification was accepted. `first` chooses the way. */
async function compareEmoji(first: Page, second: Page): Promise<void> {
  await button(first, "Compare emoji").click();
  const both = [first, second];
  await Promise.all(both.map((page) => button(page, "They match").waitFor()));
  await Promise.all(both.map((page) => dialog(page).getByRole("listitem").nth(6).waitFor()));
  const [one, other] = [await emoji(first), await emoji(second)];
  if (one.join() !== other.join()) throw new Error(`${one.join()} and ${other.join()} differ`);
  for (const page of both) await button(page, "They match").click();
  for (const page of both) await button(page, "Done").click();
}

async function acceptVerification(page: Page): Promise<void> {
  const asked = page.getByRole("region", { name: "Requests to verify" });
  await asked.getByRole("button", { name: "Verify" }).click();
}

/** Verifies a new device by another one of the same account, comparing emoji. */
export async function verifyByEmoji(fresh: Page, old: Page): Promise<void> {
  await openVerifying(fresh);
  await dialog(fresh).getByRole("button", { name: "Use another device" }).click();
  await acceptVerification(old);
  await compareEmoji(fresh, old);
}

/**
 * Verifies someone whose message is on the page, through a direct chat that is made for it. `asked` is that person's
 * page, on which the one who asks is called `name`.
 */
export async function verifyPerson(
  page: Page,
  person: string,
  asked: Page,
  name: string,
): Promise<void> {
  await page.locator("weft-message .sender").filter({ hasText: person }).first().click();
  await button(page, "Verify").click();
  await acceptInvite(asked, name);
  await acceptVerification(asked);
  await compareEmoji(page, asked);
}

/** Signs out for good. */
export async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await dialog(page)
    .getByRole("button", { name: /^Sign out/ })
    .click();
  await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
}

/** What the server holds of the room that is open: its newest events as JSON, as any client gets them. */
export async function eventsOnServer(page: Page): Promise<string> {
  // As text: it runs in the page, whose globals tests in Node do not know.
  return page.evaluate(`(async () => {
    const { accessToken } = JSON.parse(localStorage.getItem("weft.session"));
    const roomId = /room\\/([^?]+)/.exec(location.hash)[1];
    const path = "/_matrix/client/v3/rooms/" + roomId + "/messages?dir=b&limit=50";
    const headers = { Authorization: "Bearer " + accessToken };
    return (await fetch(path, { headers })).text();
  })()`);
}

/** The names of the databases that this browser keeps for the page. */
export async function databases(page: Page): Promise<string[]> {
  return page.evaluate(`indexedDB.databases().then((all) => all.map(({ name }) => name))`);
}
