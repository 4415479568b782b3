import type { Locator, Page } from "playwright-core";

/** What an administrator does in the web client, as functions on a Playwright page, by roles and labels. */

/** Signs in with a password, and waits till the rooms are shown. */
export async function signIn(
  page: Page,
  account: { baseUrl: string; username: string; password: string },
): Promise<void> {
  await page.goto(account.baseUrl);
  await page.getByLabel("User name").fill(account.username);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

/** The items of one's own menu. */
export async function accountMenu(page: Page): Promise<string[]> {
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("menuitem", { name: "Settings" }).waitFor();
  const items = await page.getByRole("menuitem").allInnerTexts();
  await page.keyboard.press("Escape");
  return items.map((item) => item.trim());
}

/** Opens the administration by the menu. */
export async function openAdministration(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("menuitem", { name: "Administration" }).click();
  await navigation(page).waitFor();
}

const navigation = (page: Page): Locator =>
  page.getByRole("navigation", { name: "Administration" });

/** Goes to a part of the administration. */
export async function goTo(page: Page, section: string): Promise<void> {
  await navigation(page).getByRole("link", { name: section, exact: true }).click();
  await page.getByRole("heading", { level: 2, name: section }).waitFor();
}

/** The window of an act that is open. */
export const act = (page: Page): Locator => page.locator("weft-act");

/** Does what a button or an item of a row's menu offers, and presses the button of the window that opens. */
export async function confirm(page: Page, name: string): Promise<void> {
  await act(page).getByRole("button", { name, exact: true }).click();
}

/** Searches the list that is shown, and opens what is found by its name. */
export async function find(page: Page, label: string, term: string, name: string): Promise<void> {
  await page.getByLabel(label).fill(term);
  await page.getByRole("status").filter({ hasText: "1–1 of 1" }).waitFor();
  await page.locator("weft-admin-list").getByRole("link", { name, exact: true }).click();
}
