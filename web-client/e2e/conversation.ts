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

export async function signIn(
  page: Page,
  account: { baseUrl: string; username: string; password: string },
): Promise<void> {
  await page.goto(`${account.baseUrl}/#/sign-in`);
  await page.getByLabel("User name").fill(account.username);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await waitForRooms(page);
}

export async function waitForRooms(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "Rooms" }).waitFor();
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Weft" }).waitFor();
}

async function openNew(page: Page, item: string): Promise<Locator> {
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("menuitem", { name: item }).click();
  return page.getByRole("dialog");
}

export async function createRoom(
  page: Page,
  room: { name: string; topic?: string; alias?: string },
): Promise<void> {
  const dialog = await openNew(page, "Create a room");
  await dialog.getByLabel("Name").fill(room.name);
  if (room.topic !== undefined) await dialog.getByLabel("What is it about?").fill(room.topic);
  if (room.alias !== undefined) {
    await dialog.getByLabel("Everyone").check();
    await dialog.getByLabel("Address").fill(room.alias);
  }
  await dialog.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { level: 1, name: room.name }).waitFor();
}

/** Opens a direct chat with a user id; a new one invites them. */
export async function writeTo(page: Page, userId: string): Promise<void> {
  const dialog = await openNew(page, "Write to someone");
  await dialog.getByLabel("Name or address").fill(userId);
  await dialog.getByRole("button", { name: "Open chat" }).click();
  await composer(page).waitFor();
}

export async function joinByAddress(page: Page, address: string, via?: string): Promise<void> {
  const dialog = await openNew(page, "Join by address");
  await dialog.getByLabel("Address or link").fill(address);
  if (via !== undefined) await dialog.getByLabel("Servers that know it").fill(via);
  await dialog.getByRole("button", { name: "Join" }).click();
  await composer(page).waitFor();
}

/** Invites someone to the room that is open. */
export async function invite(page: Page, userId: string): Promise<void> {
  await page.getByRole("button", { name: "Room menu" }).click();
  await page.getByRole("menuitem", { name: "Invite people" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name or address").fill(userId);
  await dialog.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByText(`${userId} was invited.`).waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
}

/** Opens the invitation to (or from) `name` in the list and accepts it. */
export async function acceptInvite(page: Page, name: string | RegExp): Promise<void> {
  await openRoom(page, name);
  await page.getByRole("button", { name: "Accept" }).click();
  await composer(page).waitFor();
}

export async function openRoom(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name }).first().click();
}

/** The field in which messages are written. */
export function composer(page: Page): Locator {
  return page.getByRole("textbox", { name: /^Write to / });
}

export async function sendMessage(page: Page, body: string): Promise<void> {
  await composer(page).fill(body);
  await composer(page).press("Enter");
}

/** The line of the timeline that holds this text. */
export function message(page: Page, body: string | RegExp): Locator {
  return page
    .getByRole("feed", { name: "Messages" })
    .getByRole("article")
    .filter({ hasText: body })
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
  return page.getByRole("feed", { name: "Messages" }).locator("weft-rich-text").allInnerTexts();
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

export async function reply(page: Page, to: string, body: string): Promise<void> {
  await tool(page, to, "Reply");
  await sendMessage(page, body);
}

/** Changes a message of one's own. */
export async function edit(page: Page, from: string, to: string): Promise<void> {
  await tool(page, from, "Edit");
  await sendMessage(page, to);
}

/** Reacts by searching the picker for `search`, such as "thumbs up". */
export async function react(page: Page, body: string, search: string): Promise<void> {
  await tool(page, body, "React");
  const picker = page.locator("emoji-picker");
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

export async function waitForReaction(
  page: Page,
  body: string,
  emoji: string,
  count: number,
): Promise<void> {
  await message(page, body)
    .getByRole("button", { name: new RegExp(`^${emoji}, ${count}:`) })
    .waitFor();
}

export async function deleteMessage(page: Page, body: string): Promise<void> {
  await menuItem(page, body, "Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
}

export async function reportMessage(page: Page, body: string, reason: string): Promise<void> {
  await menuItem(page, body, "Report");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("What is wrong with it?").fill(reason);
  await dialog.getByRole("button", { name: "Report" }).click();
  await page.getByText("Your report was sent").waitFor();
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

export async function leaveRoom(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Room menu" }).click();
  await page.getByRole("menuitem", { name: "Leave" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
}
