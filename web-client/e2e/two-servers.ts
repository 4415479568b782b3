import type { Page } from "playwright-core";
import * as person from "./conversation.ts";

/** A browser page with an account of its own on one server. */
export interface Side {
  page: Page;
  /** Where the server's web client is, without a slash at the end. */
  baseUrl: string;
  serverName: string;
  username: string;
}

function userId(side: Side): string {
  return `@${side.username}:${side.serverName}`;
}

/** A striped picture, drawn by the page itself. */
async function picture(page: Page): Promise<Buffer> {
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 400);
    const pen = canvas.getContext("2d")!;
    const colours = pen.createLinearGradient(0, 0, 640, 400);
    colours.addColorStop(0, "#1d6b63");
    colours.addColorStop(1, "#f0a67c");
    pen.fillStyle = colours;
    pen.fillRect(0, 0, 640, 400);
    pen.fillStyle = "rgb(255 255 255 / 55%)";
    for (let stripe = 0; stripe < 16; stripe++) pen.fillRect(stripe * 40, 0, 14, 400);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  });
  return Buffer.from(bytes);
}

/** Both make accounts, `here` makes a room, invites `there`, and they are in it together. */
export async function meet(
  here: Side,
  there: Side,
  roomName: string,
  password: string,
): Promise<void> {
  for (const { page, baseUrl, username } of [here, there]) {
    await person.register(page, { baseUrl, username, password });
  }
  await person.createRoom(here.page, { name: roomName, topic: "Two servers, one conversation" });
  await person.invite(here.page, userId(there));
  await person.acceptInvite(there.page, roomName);
}

/** Everything that two people do in a room, each step awaited on the other's screen. They must have met. */
export async function converse(here: Side, there: Side): Promise<void> {
  const [a, b] = [here.page, there.page];
  await person.sendMessage(a, "Good morning! **Does this** reach you?");
  await person.waitForMessage(b, "Good morning! Does this reach you?");
  await person.sendMessage(b, "It does, from another server.");
  await person.waitForMessage(a, "It does, from another server.");

  await person.reply(b, "Good morning!", "And this is an answer");
  await person.waitForMessage(a, "And this is an answer");

  await person.react(a, "And this is an answer", "thumbs up");
  await person.waitForReaction(b, "And this is an answer", "👍", 1);
  await person.toggleReaction(b, "And this is an answer", "👍");
  await person.waitForReaction(a, "And this is an answer", "👍", 2);

  await person.sendMessage(a, "A slip of the pne");
  await person.waitForMessage(b, "A slip of the pne");
  await person.edit(a, "A slip of the pne", "A slip of the pen");
  await person.waitForMessage(b, "A slip of the pen");

  await person.sendMessage(b, "This goes again");
  await person.waitForMessage(a, "This goes again");
  await person.deleteMessage(b, "This goes again");
  await person.waitForMessage(a, "Message deleted");

  await person.sendFile(a, {
    name: "pattern.png",
    mimeType: "image/png",
    buffer: await picture(a),
  });
  await b.getByRole("button", { name: "pattern.png" }).locator("img").waitFor();

  await person.composer(b).pressSequentially("I am wri");
  await person.waitForTyping(a);
  await person.composer(b).fill("");

  await person.sendMessage(a, "Tell me when you have read this");
  await person.waitForMessage(b, "Tell me when you have read this");
  await b.bringToFront();
  await person.waitForReader(a, there.username);
}

/** `there` opens a public room; `here` finds it in the other server's directory and talks in it. */
export async function findPublicRoom(
  here: Side,
  there: Side,
  name: string,
  alias: string,
): Promise<void> {
  await person.createRoom(there.page, { name, alias });
  const { page, baseUrl } = here;
  await page.goto(`${baseUrl}/#/directory`);
  await page.getByLabel("Server", { exact: true }).selectOption("+");
  await page.getByLabel("Name of the other server").fill(there.serverName);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: `Join ${name}` }).click();
  await person.composer(page).waitFor();
  await person.sendMessage(page, "Found you");
  await person.waitForMessage(there.page, "Found you");
}
