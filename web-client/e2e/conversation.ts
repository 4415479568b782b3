import type { Locator, Page } from "playwright-core";

/**
 * What a person does in the web client, as functions on a Playwright page. Everything is found by role and label,
 * as a screen reader finds it; whoever runs two of these pages on two servers holds a conversation.
 */

/** Makes an account on the server at `baseUrl` and waits till its rooms are shown. */
export async function register(
  page: Page,
  account: { baseUrl: string; username: string; password: string; registrationToken?: string },
): Promise<void> {
  const query =
    account.registrationToken === undefined
      ? ""
      : `?registration_token=${encodeURIComponent(account.registrationToken)}`;
  await page.goto(`${account.baseUrl}/${query}#/register`);
  await page.getByLabel("User name").fill(account.username);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await waitForRooms(page);
}

async function waitForRooms(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

/** The window that is open. (Its content is slotted, so the role's own element does not hold it.) */
function dialog(page: Page): Locator {
  return page.locator("weft-dialog");
}

async function openNew(page: Page, item: string): Promise<Locator> {
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("menuitem", { name: item }).click();
  return dialog(page);
}

export async function createRoom(
  page: Page,
  room: { name: string; topic?: string; alias?: string; isEncrypted?: boolean },
): Promise<void> {
  const window = await openNew(page, "Create a room");
  await window.getByLabel("Name").fill(room.name);
  if (room.topic !== undefined) await window.getByLabel("What is it about?").fill(room.topic);
  if (room.alias !== undefined) {
    await window.getByLabel("Everyone").check();
    await window.getByLabel("Address").fill(room.alias);
  }
  if (room.isEncrypted !== undefined) {
    await window.getByLabel("Encrypt the messages").setChecked(room.isEncrypted);
  }
  await window.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: room.name }).waitFor();
}

/** Invites someone to the room that is open. */
export async function invite(page: Page, userId: string): Promise<void> {
  await page.getByRole("button", { name: "Room menu" }).click();
  await page.getByRole("menuitem", { name: "Invite people" }).click();
  const window = dialog(page);
  await window.getByLabel("Name or address").fill(userId);
  await window.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByText(`${userId} was invited.`).waitFor();
  await window.getByRole("button", { name: "Close" }).click();
}

/** Opens the invitation to (or from) `name` in the list and accepts it. */
export async function acceptInvite(page: Page, name: string | RegExp): Promise<void> {
  await openRoom(page, name);
  await page.getByRole("button", { name: "Accept" }).click();
  await composer(page).waitFor();
}

/** Opens the room of this name in the list (its last message does not count). */
export async function openRoom(page: Page, name: string | RegExp): Promise<void> {
  const named = page.locator(".name").filter({ hasText: name });
  await page.locator("weft-room-link").filter({ has: named }).first().getByRole("link").click();
}

/** The field in which messages are written. */
export function composer(page: Page): Locator {
  return page.getByRole("textbox", { name: /^Write to / });
}

export async function sendMessage(page: Page, body: string): Promise<void> {
  await composer(page).fill(body);
  await composer(page).press("Enter");
}

/** The last line of the timeline that says this itself (and not only in a quotation). */
export function message(page: Page, body: string | RegExp): Locator {
  const said = page.locator("weft-rich-text, weft-attachment, .gone").filter({ hasText: body });
  return page
    .getByRole("feed", { name: "Messages" })
    .getByRole("article")
    .filter({ has: said })
    .last();
}

export async function waitForMessage(
  page: Page,
  body: string | RegExp,
  timeout = 15_000,
): Promise<void> {
  await message(page, body).waitFor({ timeout });
}

/** Texts of the messages that are on the page, oldest first. */
export async function visibleMessages(page: Page): Promise<string[]> {
  return page
    .getByRole("feed", { name: "Messages" })
    .locator("weft-rich-text .text")
    .allInnerTexts();
}

export async function sendFile(
  page: Page,
  file: { name: string; mimeType: string; buffer: Buffer },
): Promise<void> {
  await page.locator("weft-composer input[type=file]").setInputFiles(file);
  await page.getByRole("list", { name: "Files to send" }).waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("list", { name: "Files to send" }).waitFor({ state: "detached" });
}

async function tool(page: Page, body: string | RegExp, name: string): Promise<void> {
  await message(page, body).hover();
  await message(page, body).getByRole("button", { name, exact: true }).click();
}

async function menuItem(page: Page, body: string | RegExp, name: string): Promise<void> {
  await tool(page, body, "More");
  await message(page, body).getByRole("menuitem", { name }).click();
}

/** Changes a message of one's own. */
export async function edit(page: Page, from: string, to: string): Promise<void> {
  await tool(page, from, "Edit");
  await sendMessage(page, to);
}

/** Reacts by searching the picker for `search`, such as "thumbs up". */
export async function react(page: Page, body: string, search: string): Promise<void> {
  await tool(page, body, "React");
  const picker = page.locator("weft-picker");
  await picker.getByRole("combobox").fill(search);
  await picker.getByRole("option").first().click();
}

/** Presses a reaction that is there already: adds one's own, or takes it back. */
export async function toggleReaction(page: Page, body: string, emoji: string): Promise<void> {
  await message(page, body)
    .getByRole("group", { name: "Reactions" })
    .getByRole("button", { name: emoji })
    .click();
}

/** `emoji` may lack its variation selector (U+FE0F), which the picker adds. */
export async function waitForReaction(
  page: Page,
  body: string,
  emoji: string,
  count: number,
): Promise<void> {
  await message(page, body)
    .getByRole("button", { name: new RegExp(`^${emoji}\uFE0F?, ${count}:`) })
    .waitFor();
}

export async function deleteMessage(page: Page, body: string): Promise<void> {
  await menuItem(page, body, "Delete");
  await dialog(page).getByRole("button", { name: "Delete" }).click();
}

export async function waitForTyping(page: Page): Promise<void> {
  await page.getByText(/(is|are) writing…/).waitFor();
}

/** Waits till someone's receipt stands on some message. */
export async function waitForReader(page: Page, name: string): Promise<void> {
  await page
    .getByRole("img", { name: new RegExp(`^Read by .*${name}`) })
    .first()
    .waitFor();
}
