/** Hydrogen in a browser, the whole app as its SDK ships it: somebody uses it by hand, with matrix-js-sdk on the other side. */
import { EventType, MsgType, Preset } from "matrix-js-sdk";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { decrypted, type JsDevice, signIn } from "./crypto/js-sdk.ts";
import { hasBrowser, launchBrowser, openScreen } from "./support/browser.ts";
import { type HydrogenSite, serveHydrogen } from "./support/hydrogen.ts";
import "./support/js-sdk.ts";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))("hydrogen in Chromium", { timeout: 180_000 }, () => {
  let server: TestServer;
  let site: HydrogenSite;
  let browser: Browser;
  let page: Page;
  let errors: readonly string[];
  let ann: TestUser;
  let other: JsDevice;
  let roomId: string;

  beforeAll(async () => {
    server = await startServer();
    site = await serveHydrogen();
    [ann] = await Promise.all([register(server, "ann"), register(server, "ben")]);
    other = await signIn({ username: "ben", server });
    browser = await launchBrowser();
    ({ page, errors } = await openScreen(browser, { scheme: "light" }));
    page.setDefaultTimeout(60_000);
  }, 180_000);

  afterAll(async () => {
    other?.client.stopClient();
    await browser?.close();
    await site?.close();
    await server?.close();
  }, 60_000);

  const inList = (name: string) => page.locator(".RoomList li", { hasText: name });
  const message = (text: string) => page.locator(".Timeline_message", { hasText: text });

  async function write(text: string): Promise<void> {
    await page.locator(".MessageComposer textarea").fill(text);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  }

  /** What Ann has said in the room, as the other device reads it. */
  const heard = (text: string) =>
    eventually(`Ben reads "${text}"`, () =>
      other.client
        .getRoom(roomId)
        ?.getLiveTimeline()
        .getEvents()
        .find((event) => event.getSender() === ann.userId && event.getContent()["body"] === text),
    );

  test("finds the server by its address, and refuses a wrong password", async () => {
    await page.goto(site.url);
    await page.getByLabel("Homeserver").fill(server.baseUrl);
    await page.getByLabel("Homeserver").blur();
    await page.getByLabel("Username").fill("ann");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log In" }).click();
    await page.getByText("don't seem to be correct").waitFor();
  });

  test("signs in, syncs, and lists the rooms", async () => {
    const { room_id: id } = await ann.call("POST", "/createRoom", { name: "Notes of Ann" });
    for (let number = 1; number <= 60; number += 1) await ann.send(id, `note ${number} of 60`);
    await page.getByLabel("Password").fill("ann-Secret-1");
    await page.getByRole("button", { name: "Log In" }).click();
    await inList("Notes of Ann").click();
    await message("note 60 of 60").waitFor();
  });

  test("reads back to the beginning", async () => {
    await eventually("the first note", async () => {
      await page.locator(".Timeline_scroller").evaluate((element) => element.scrollTo(0, 0));
      return message("note 1 of 60").count();
    });
  });

  test("takes an invite to an encrypted room", async () => {
    const algorithm = { algorithm: "m.megolm.v1.aes-sha2" };
    const encryption = { type: EventType.RoomEncryption, state_key: "", content: algorithm };
    const { room_id: id } = await other.client.createRoom({
      ...{ preset: Preset.PrivateChat, name: "A secret box" },
      ...{ invite: [ann.userId], initial_state: [encryption] },
    });
    roomId = id;
    await inList("A secret box").click();
    await page.getByRole("button", { name: "Accept" }).click();
    await page.getByPlaceholder("Send an encrypted message").waitFor();
    await eventually(
      "Ben sees her",
      () => other.client.getRoom(roomId)?.getMember(ann.userId)?.membership === "join",
    );
  });

  test("reads and writes encrypted messages", async () => {
    for (const turn of [1, 2, 3]) {
      const body = `from Ben ${turn}`;
      await other.client.sendMessage(roomId, { msgtype: MsgType.Text, body });
      await message(body).waitFor();
      await write(`from Ann ${turn}`);
      const event = await heard(`from Ann ${turn}`);
      expect((await decrypted(other, roomId, event.getId()!)).isEncrypted()).toBe(true);
    }
  });

  test("shows a reaction, and takes a message away", async () => {
    const event = await heard("from Ann 3");
    await other.client.sendEvent(roomId, EventType.Reaction, {
      "m.relates_to": { rel_type: "m.annotation", event_id: event.getId()!, key: "👍" },
    } as never);
    await message("from Ann 3").getByText("👍").waitFor();
    await message("from Ann 2").hover();
    await message("from Ann 2").locator(".Timeline_messageOptions").click();
    await page.getByText("Delete", { exact: true }).click();
    await eventually("it is gone on the other side", () =>
      other.client
        .getRoom(roomId)!
        .getLiveTimeline()
        .getEvents()
        .some((one) => one.getSender() === ann.userId && one.isRedacted()),
    );
  });

  test("goes on with its session after a reload, and signs out", async () => {
    await page.reload();
    await inList("A secret box").click();
    await message("from Ben 3").waitFor();
    await other.client.sendMessage(roomId, { msgtype: MsgType.Text, body: "welcome back" });
    await message("welcome back").waitFor();
    await page.getByRole("link", { name: "Settings" }).click();
    await page.locator(".Settings").getByRole("button", { name: "Log out" }).click();
    await page.locator(".LogoutScreen").getByRole("button", { name: "Log out" }).click();
    await eventually("its device is gone", async () => {
      const { devices } = await ann.call("GET", "/devices");
      return devices.length === 1 && devices[0].device_id === ann.deviceId;
    });
    await page.locator(".LogoutScreen").waitFor({ state: "detached" });
  });

  test("no page broke", () => {
    expect(errors).toEqual([]);
  });
});
