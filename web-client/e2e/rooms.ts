import type { Locator, Page } from "playwright-core";

/** What a person does about rooms and spaces as a whole, as functions on a Playwright page. */

/** The window that is open. */
const dialog = (page: Page): Locator => page.locator("weft-dialog");

/** Creates a space, which is shown then. */
export async function createSpace(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Create a space" }).click();
  await dialog(page).getByLabel("Name").fill(name);
  await dialog(page).getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Creates a room in the space that is shown, open to its members. */
export async function createRoomInSpace(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Create a room", exact: true }).click();
  await dialog(page).getByLabel("Name").fill(name);
  await dialog(page).getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Invites someone to what is open, and says why. */
export async function inviteBecause(page: Page, userId: string, reason: string): Promise<void> {
  await page.getByRole("button", { name: "Room menu" }).click();
  await page.getByRole("menuitem", { name: "Invite people" }).click();
  await dialog(page).getByLabel("Name or address").fill(userId);
  await dialog(page)
    .getByLabel(/^Why\?/)
    .fill(reason);
  await dialog(page).getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByText(`${userId} was invited.`).waitFor();
  await dialog(page).getByRole("button", { name: "Close" }).click();
}

/** Goes to a section of the settings of the room that is open. */
export async function openSettings(page: Page, section: string): Promise<void> {
  await page.getByRole("button", { name: "Room menu" }).click();
  await page.getByRole("menuitem", { name: "Room settings" }).click();
  await page
    .getByRole("navigation", { name: /^Settings of/ })
    .getByRole("link", { name: section, exact: true })
    .click();
}

/** Goes back from the settings to the room. */
export async function leaveSettings(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Back to the conversation" }).click();
}

/** Goes to a room or alias by its address in the client. */
export async function goTo(page: Page, room: string): Promise<void> {
  await page.evaluate(
    (address) => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = address;
    },
    `#/room/${encodeURIComponent(room)}`,
  );
}
