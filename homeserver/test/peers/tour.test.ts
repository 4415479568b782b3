/** Two people on two servers, one of them an administrator, go through what the web client has. */
import { join } from "node:path";
import sharp from "sharp";
import type { Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import * as admin from "../../../web-client/e2e/administration.ts";
import * as chat from "../../../web-client/e2e/conversation.ts";
import * as safe from "../../../web-client/e2e/encryption.ts";
import * as rooms from "../../../web-client/e2e/rooms.ts";
import { askControl } from "../../src/cli/control.ts";
import { register } from "../support/user.ts";
import { hasBrowser } from "./support/browser.ts";
import { view } from "./support/views.ts";
import { twoScreens } from "./support/two-screens.ts";

const ALICE = { username: "alice", password: "Alice-Secret-1" };
const BOB = { username: "bob", password: "Bob-Secret-12" };
const PLAN = `The plan:
\`\`\`python
def tide(hour):
    return 3.1 * cos(hour / 12.4 * tau)
\`\`\``;

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("a tour", { timeout: 240_000 }, () => {
  const on = twoScreens();
  const alice = (): Page => on.alice.page;
  const bob = (): Page => on.bob.page;
  const panel = (): Locator => alice().locator("weft-room-panel");
  const dialog = (): Locator => alice().locator("weft-dialog");

  async function say(page: Page, body: string, seen = body): Promise<void> {
    await chat.sendMessage(page, body);
    await Promise.all([alice(), bob()].map((each) => chat.waitForMessage(each, seen, 30_000)));
  }

  async function onMessage(page: Page, body: string, item: string): Promise<void> {
    await chat.message(page, body).hover();
    await chat.message(page, body).getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: item, exact: true }).click();
  }

  async function inRoomMenu(item: string): Promise<void> {
    await alice().getByRole("button", { name: "Room menu" }).click();
    await alice().getByRole("menuitem", { name: item }).click();
  }

  test("they sign up", async () => {
    await alice().goto(on.here.baseUrl);
    await alice().getByRole("heading").first().waitFor();
    await view(alice(), "sign-in");
    const user = { ...ALICE, isAdmin: true };
    await askControl(join(on.network.folder, "here"), "createUser", user);
    await Promise.all([
      admin.signIn(alice(), { ...ALICE, baseUrl: on.here.baseUrl }),
      chat.register(bob(), { ...BOB, baseUrl: on.there.baseUrl }),
    ]);
    for (const page of [alice(), bob()]) await safe.setUp(page);
    await view(alice(), "welcome");
  });

  test("a space with its rooms is shared", async () => {
    await rooms.createSpace(alice(), "Sailing club");
    await rooms.createRoomInSpace(alice(), "Harbour");
    await alice()
      .getByRole("link", { name: /Overview of the space/ })
      .click();
    await rooms.createRoomInSpace(alice(), "Repairs");
    await alice()
      .getByRole("link", { name: /Overview of the space/ })
      .click();
    await alice().getByRole("link", { name: "Open Harbour" }).waitFor();
    await rooms.inviteBecause(
      alice(),
      `@bob:${on.there.serverName}`,
      "We need somebody who can sail",
    );
    await view(alice(), "space");
    await chat.openRoom(bob(), "Sailing club");
    await bob().getByText("We need somebody who can sail").waitFor();
    await view(bob(), "invitation");
    await bob().getByRole("button", { name: "Accept" }).click();
    await bob().getByRole("button", { name: "Join Harbour" }).click();
    await bob().getByRole("link", { name: "Open Harbour" }).click();
    await chat.composer(bob()).waitFor();
    await alice().getByRole("link", { name: "Open Harbour" }).click();
  });

  test("they talk: with pictures, code, reactions, answers and a poll", async () => {
    await say(alice(), "Good morning! Shall we go out on **Saturday**?", "Shall we go out on");
    await say(bob(), "Gladly. When is the tide right?");
    await say(alice(), PLAN, "def tide");
    const buffer = await boat();
    await chat.sendFile(bob(), { name: "boat.png", mimeType: "image/png", buffer });
    await alice().getByRole("feed", { name: "Messages" }).locator("img").last().waitFor();
    await chat.react(alice(), "Gladly.", "thumbs up");
    await chat.waitForReaction(bob(), "Gladly.", "👍", 1);
    await alice().getByRole("button", { name: "Add", exact: true }).click();
    await alice().getByRole("menuitem", { name: "Create a poll" }).click();
    await dialog().getByLabel("Question").fill("Who brings the oars?");
    await dialog().getByLabel("Answer 1").fill("Alice");
    await dialog().getByLabel("Answer 2").fill("Bob");
    await dialog().getByRole("button", { name: "Ask" }).click();
    await bob().getByRole("radio", { name: /Bob/ }).click();
    await alice()
      .getByText(/^1 vote/)
      .first()
      .waitFor();
    await view(alice(), "conversation");
  });

  test("what belongs together stays in a thread", async () => {
    await chat.message(alice(), "Gladly.").hover();
    await chat
      .message(alice(), "Gladly.")
      .getByRole("button", { name: "Reply in a thread" })
      .click();
    for (const line of ["High water is at ten.", "So we meet at half past nine."]) {
      await panel().getByRole("textbox").fill(line);
      await panel().getByRole("textbox").press("Enter");
      await panel()
        .getByRole("article", { name: new RegExp(`: ${line}$`) })
        .waitFor();
    }
    await bob()
      .getByRole("button", { name: /2 replies/ })
      .waitFor();
    await view(alice(), "thread");
    await panel().getByRole("button", { name: "Close" }).click();
  });

  test("messages are pinned, edited, passed on and found", async () => {
    await onMessage(alice(), "Gladly.", "Pin");
    await say(bob(), "I bring the cofee.");
    await chat.edit(bob(), "I bring the cofee.", "I bring the coffee.");
    await chat.waitForMessage(alice(), "I bring the coffee.");
    await onMessage(alice(), "I bring the coffee.", "Earlier versions");
    await dialog().getByText("I bring the cofee.").waitFor();
    await alice().keyboard.press("Escape");
    await inRoomMenu("Pinned messages: 1");
    await panel()
      .getByRole("button", { name: /Gladly/ })
      .first()
      .waitFor();
    await panel().getByRole("tab", { name: "Files" }).click();
    await panel()
      .getByRole("button", { name: /boat.png/ })
      .waitFor();
    await view(alice(), "files");
    await panel().getByRole("button", { name: "Close" }).click();
    await alice().getByRole("button", { name: "Search in this room" }).click();
    await panel().getByRole("searchbox").fill("tide");
    await panel().getByRole("searchbox").press("Enter");
    await panel()
      .getByRole("button", { name: /When is the tide right/ })
      .waitFor();
    await view(alice(), "search");
    await panel().getByRole("button", { name: "Close" }).click();
  });

  test("a private conversation is encrypted", async () => {
    await alice().getByRole("button", { name: "All conversations" }).click();
    await chat.createRoom(alice(), { name: "Surprise for Ines" });
    await chat.invite(alice(), `@bob:${on.there.serverName}`);
    await chat.acceptInvite(bob(), "Surprise for Ines");
    await say(alice(), "She turns forty in May. A new sail?");
    await say(bob(), "I know who makes them.");
    await view(alice(), "encrypted");
  });

  test("everything is within reach of the keyboard, and of one's own taste", async () => {
    await alice().keyboard.press("Control+k");
    await dialog().getByRole("combobox").fill("har");
    await dialog()
      .getByRole("option", { name: /Harbour/ })
      .first()
      .waitFor();
    await view(alice(), "palette");
    await alice().keyboard.press("Enter");
    await alice().getByRole("heading", { level: 1, name: "Harbour" }).waitFor();
    await rooms.openSettings(alice(), "Access");
    await alice().getByRole("radio", { name: "People who ask", exact: true }).waitFor();
    await view(alice(), "room-settings");
    await rooms.leaveSettings(alice());
    await alice().getByRole("button", { name: "Your account" }).click();
    await alice().getByRole("menuitem", { name: "Settings" }).click();
    for (const section of ["Notifications", "Appearance", "Devices"]) {
      const name = `settings-${section.toLowerCase()}`;
      await alice().getByRole("link", { name: section, exact: true }).click();
      await alice().locator(`weft-${name}`).locator("input, button").first().waitFor();
      await view(alice(), name);
    }
  });

  test("who does harm is reported, and the administrator decides", async () => {
    const carol = await register(on.here, "carol");
    const troll = await register(on.here, "troll");
    const { room_id: roomId } = await carol.call("POST", "/createRoom", {
      preset: "public_chat",
      name: "Market",
    });
    const path = encodeURIComponent(roomId);
    await troll.call("POST", `/join/${path}`, {});
    await carol.send(roomId, "Two oars for sale, hardly used.");
    const bad = await troll.send(roomId, "Buy followers at my shop!!!");
    await carol.send(roomId, "Please stop that.");
    await carol.call("POST", `/rooms/${path}/report/${encodeURIComponent(bad)}`, {
      reason: "Advertising, the third time today",
    });
    await admin.openAdministration(alice());
    const look = async (section: string): Promise<void> => {
      await admin.goTo(alice(), section);
      await view(alice(), `administration-${section.toLowerCase().replace(" ", "-")}`);
    };
    for (const section of ["Overview", "Users", "Rooms", "Reports"]) await look(section);
    await alice().locator("weft-admin-list tbody a.name").click();
    await alice().getByText("Please stop that.").waitFor();
    await view(alice(), "administration-report");
    await alice().getByRole("button", { name: "Remove the message" }).click();
    await admin.act(alice()).getByLabel("Why (it is noted)").fill("Advertising");
    await admin.confirm(alice(), "Remove the message");
    const decisions = alice().getByRole("list", { name: "Decisions" });
    await decisions.getByText("Done", { exact: true }).waitFor();
    expect(
      (await carol.call("GET", `/rooms/${path}/event/${encodeURIComponent(bad)}`)).content,
    ).toEqual({});
    const said = alice().getByText("The decision was made and noted.");
    await said.waitFor({ state: "detached" });
    for (const section of ["Federation", "Audit log"]) await look(section);
    expect([...on.alice.errors, ...on.bob.errors]).toEqual([]);
  });
});

/** A picture worth sending: PNG. */
function boat(): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="400">
    <rect width="640" height="400" fill="#f9dcc4"/><circle cx="430" cy="205" r="46" fill="#ffe8b6"/>
    <path d="M0 260 L110 165 L200 240 L300 140 L410 245 L520 180 L640 260 Z" fill="#22333b"/>
    <rect y="260" width="640" height="140" fill="#1b3a4b"/>
    <path d="M250 315 h170 l-26 36 h-112 Z" fill="#5e3023"/><path d="M330 190 v116 h80 Z" fill="#fefae0"/>
  </svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
