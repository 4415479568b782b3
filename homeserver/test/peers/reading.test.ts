import sharp from "sharp";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import * as chat from "../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { hasBrowser, launchBrowser, openScreen, picture, type Screen } from "./support/browser.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

const MESSAGES = 180;

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("reading a room", { timeout: 240_000 }, () => {
  let network: Network;
  let weft: WeftProcess;
  let browser: Browser;
  let screen: Screen;
  let alice: TestUser;
  let bob: TestUser;
  let roomId: string;
  const said: string[] = [];
  const page = (): Page => screen.page;
  const address = (eventId: string) =>
    `${weft.baseUrl}/#/room/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`;
  const article = (name: string | RegExp) => page().getByRole("article", { name });
  const panel = () => page().locator("weft-room-panel");

  async function inThread(by: TestUser, root: string, body: string): Promise<string> {
    const relation = { rel_type: "m.thread", event_id: root };
    const content = { msgtype: "m.text", body, "m.relates_to": relation };
    const { event_id: eventId } = await by.call(
      "PUT",
      `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${Math.random()}`,
      content,
    );
    return eventId as string;
  }

  beforeAll(async () => {
    await ensureWebClient();
    network = await createNetwork();
    weft = await startWeft(network, { name: "here" });
    [alice, bob] = [await register(weft, "alice"), await register(weft, "bob")];
    ({ room_id: roomId } = await alice.call("POST", "/createRoom", {
      name: "Harbour",
      topic: "Boats, tides and who has the key. See https://example.org/tides",
      invite: [bob.userId],
    }));
    await bob.call("POST", `/join/${encodeURIComponent(roomId)}`, {});
    for (let at = 0; at < MESSAGES; at += 1) {
      const words = at % 9 === 4 ? " that goes on over more than one line ".repeat(4) : "";
      said.push(await (at % 3 === 0 ? alice : bob).send(roomId, `message ${at}${words}`));
    }
    browser = await launchBrowser();
    screen = await openScreen(browser, { scheme: "light" });
    const { userId, token: accessToken, deviceId } = alice;
    const session = JSON.stringify({ baseUrl: "", userId, accessToken, deviceId });
    await page().goto(`${weft.baseUrl}/_weft/health`);
    await page().evaluate(`localStorage.setItem("weft.session", ${JSON.stringify(session)})`);
    await page().goto(address(said[0]!));
    await putOff(page());
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await weft?.stop();
    await network?.close();
  }, 180_000);

  test("a link to the first message leads there, and one reads on from it to the newest", async () => {
    await article(/: message 0$/).waitFor();
    await page().getByText("This is where the conversation begins.").waitFor();
    expect(await article(new RegExp(`: message ${MESSAGES - 1}$`)).count()).toBe(0);
    await page().mouse.move(700, 400);
    await eventually("the newest", async () => {
      await page().mouse.wheel(0, 1500);
      return (await article(new RegExp(`: message ${MESSAGES - 1}$`)).count()) > 0;
    });
    // From here on what is new is seen: the place in the past has become part of the newest stretch.
    said.push(await bob.send(roomId, "after all that"));
    await article(/: after all that$/).waitFor();
  });

  test("a link to what does not exist says so, and the conversation stays", async () => {
    await page().goto(address("$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"));
    await page()
      .getByText("This message does not exist any more, or you may not see it.")
      .waitFor();
    await article(/: after all that$/).waitFor();
  });

  test("a day can be gone to, and the newest again", async () => {
    await page().getByRole("button", { name: "Room menu" }).click();
    await page().getByRole("menuitem", { name: "Go to a date" }).click();
    await page().locator("weft-dialog").getByRole("button", { name: "Go there" }).click();
    // All was said today: the day begins where the room does.
    await page().getByText("This is where the conversation begins.").waitFor();
    await page()
      .getByRole("button", { name: /Newest/ })
      .click();
    await article(/: after all that$/).waitFor();
  });

  test("a thread has its own place, its own field, and its own unread", async () => {
    const root = said.at(-1)!;
    await chat.message(page(), "after all that").hover();
    await chat
      .message(page(), "after all that")
      .getByRole("button", { name: "Reply in a thread" })
      .click();
    await panel().getByRole("textbox").fill("in the thread");
    await panel().getByRole("textbox").press("Enter");
    await panel()
      .getByRole("article", { name: /: in the thread$/ })
      .waitFor();
    const feed = page().getByRole("feed", { name: "Messages", exact: true });
    await feed.getByRole("button", { name: /1 reply/ }).waitFor();
    expect(await feed.getByRole("article", { name: /: in the thread$/ }).count()).toBe(0);
    await inThread(bob, root, "an answer in it");
    await panel()
      .getByRole("article", { name: /: an answer in it$/ })
      .waitFor();
    // It is read a moment after it is seen: who closes the thread before has it unread as well.
    const unread = page().getByRole("button", { name: /^Threads, \d unread$/ });
    await unread.waitFor({ state: "detached" });
    await picture(page(), "thread-light");
    await panel().getByRole("button", { name: "Close" }).click();
    await inThread(bob, root, "while nobody looks");
    await page().getByRole("button", { name: "Threads, 1 unread" }).click();
    await panel()
      .getByRole("button", { name: /3 replies/ })
      .click();
    await panel()
      .getByRole("article", { name: /: while nobody looks$/ })
      .waitFor();
    await page().getByRole("button", { name: "Threads, 1 unread" }).waitFor({ state: "detached" });
    const { chunk } = await alice.call(
      "GET",
      `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1`,
    );
    expect(chunk[0].content.body).toBe("while nobody looks");
  });

  test("a thread can be followed, and left again", async () => {
    await panel().getByRole("button", { name: "Follow this thread" }).click();
    await panel().getByRole("button", { name: "You follow this thread" }).click();
    await panel().getByRole("button", { name: "Follow this thread" }).waitFor();
  });

  test("a message is found by its words, with them marked, and led to", async () => {
    await page().getByRole("button", { name: "Search in this room" }).click();
    await panel().getByRole("searchbox").fill("message 7");
    await panel().getByRole("searchbox").press("Enter");
    const hit = panel()
      .getByRole("button", { name: /message 7(?!\d)/ })
      .first();
    await hit.waitFor();
    expect(await hit.locator("mark").allInnerTexts()).toContain("message");
    await picture(page(), "search-light");
    await panel().getByRole("searchbox").fill("goes over line");
    await panel().getByRole("button", { name: "Filters" }).click();
    await panel().getByLabel("From").selectOption({ label: "bob" });
    await eventually("only Bob's", async () => {
      const names = await panel().locator(".quoted .by b").allInnerTexts();
      return names.length > 0 && names.every((name) => name === "bob");
    });
    await panel()
      .getByRole("button", { name: /message 13 /s })
      .click();
    await article(/: message 13 /).waitFor();
  });

  test("what is pinned stands in the panel, and comes off again", async () => {
    await chat.message(page(), /^message 12$/).hover();
    await chat
      .message(page(), /^message 12$/)
      .getByRole("button", { name: "More" })
      .click();
    await page().getByRole("menuitem", { name: "Pin", exact: true }).click();
    await page().getByRole("button", { name: "Room menu" }).click();
    await page().getByRole("menuitem", { name: "Pinned messages: 1" }).click();
    await panel()
      .getByRole("button", { name: /message 12/ })
      .first()
      .waitFor();
    await picture(page(), "pins-light");
    await panel().getByRole("button", { name: "Unpin the message of alice" }).click();
    await panel()
      .getByText(/Nothing is pinned here/)
      .waitFor();
  });

  test("files are gathered, and pictures looked at one after another", async () => {
    await page()
      .getByRole("button", { name: /Newest/ })
      .click();
    for (const colour of ["#274060", "#f4a259"]) {
      const create = { width: 320, height: 200, channels: 3 as const, background: colour };
      const buffer = await sharp({ create }).png().toBuffer();
      await chat.sendFile(page(), {
        name: `${colour.slice(1)}.png`,
        mimeType: "image/png",
        buffer,
      });
    }
    await panel().getByRole("tab", { name: "Files" }).click();
    await panel()
      .getByRole("button", { name: /f4a259.png/ })
      .click();
    const window = page().locator("weft-dialog");
    await window.getByText("2 of 2").waitFor();
    await picture(page(), "lightbox-light");
    await page().keyboard.press("ArrowLeft");
    await window.getByRole("heading", { name: "274060.png" }).waitFor();
    await page().keyboard.press("+");
    await page().keyboard.press("Escape");
    await window.waitFor({ state: "detached" });
  });

  test("an edited message keeps its versions, and any message its source", async () => {
    await panel().getByRole("button", { name: "Close" }).click();
    await chat.sendMessage(page(), "first words");
    await chat.waitForMessage(page(), "first words");
    await chat.edit(page(), "first words", "better words");
    await chat.waitForMessage(page(), "better words");
    const more = async (item: string) => {
      await chat.message(page(), "better words").hover();
      await chat.message(page(), "better words").getByRole("button", { name: "More" }).click();
      await page().getByRole("menuitem", { name: item }).click();
    };
    await more("Earlier versions");
    const window = page().locator("weft-dialog");
    await window.getByText("first words").waitFor();
    await page().keyboard.press("Escape");
    await more("View source");
    await window.getByText('"m.room.message"').first().waitFor();
    await page().keyboard.press("Escape");
    expect(screen.errors).toEqual([]);
  });

  test("a message is passed on, and a conversation saved", async () => {
    await chat.createRoom(page(), { name: "Elsewhere" });
    await chat.openRoom(page(), "Harbour");
    await chat.message(page(), "better words").hover();
    await chat.message(page(), "better words").getByRole("button", { name: "More" }).click();
    await page().getByRole("menuitem", { name: "Forward" }).click();
    await page().getByRole("button", { name: "Elsewhere Send" }).click();
    await page().getByRole("button", { name: "Elsewhere Sent" }).waitFor();
    await page().keyboard.press("Escape");
    await page().getByRole("button", { name: "Room menu" }).click();
    await page().getByRole("menuitem", { name: "About this room" }).click();
    await picture(page(), "room-panel-light");
    await panel().getByRole("button", { name: "Export the conversation" }).click();
    const download = page().waitForEvent("download");
    await page().locator("weft-dialog").getByLabel("As").selectOption("text");
    await page().locator("weft-dialog").getByRole("button", { name: "Save" }).click();
    const stream = await (await download).createReadStream();
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    expect(text).toContain("message 0\n");
    expect(text).toContain("better words");
    expect(text).not.toContain("first words");
    await chat.openRoom(page(), "Elsewhere");
    await chat.waitForMessage(page(), "better words");
    expect(screen.errors).toEqual([]);
  });
});
