import sharp from "sharp";
import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import * as safe from "../../../web-client/e2e/encryption.ts";
import { hasBrowser, openScreen, picture, savedText, type Screen } from "./support/browser.ts";
import { twoScreens } from "./support/two-screens.ts";
import { eventually } from "../support/wait.ts";

const ROOM = "The letters";
const ALICE = { username: "alice", password: "Alice-Secret-1" };

/** Each test goes on where the one before ended. */
for (const kind of ["Chromium", "Firefox"] as const) {
  describe.skipIf(!hasBrowser(kind))(`encrypted, in ${kind}`, { timeout: 120_000 }, () => {
    const on = twoScreens(kind);
    let laptop: Screen;
    let recoveryKey: string;

    async function say(by: Screen, body: string): Promise<void> {
      await chat.sendMessage(by.page, body);
      await Promise.all(
        [on.alice, on.bob].map(({ page }) => chat.waitForMessage(page, body, 30_000)),
      );
    }

    test("both register, and Alice sets up her recovery", async () => {
      await Promise.all([
        chat.register(on.alice.page, { baseUrl: on.here.baseUrl, ...ALICE }),
        chat.register(on.bob.page, {
          baseUrl: on.there.baseUrl,
          username: "bob",
          password: "Bob-Secret-12",
        }),
      ]);
      recoveryKey = await safe.setUp(on.alice.page);
      expect(recoveryKey).toMatch(/^E[sS]\w\w( \w{4}){11}$/);
      await safe.setUp(on.bob.page);
    });

    test("a private room is encrypted from its first message on", async () => {
      await chat.createRoom(on.alice.page, { name: ROOM });
      await chat.invite(on.alice.page, `@bob:${on.there.serverName}`);
      await chat.acceptInvite(on.bob.page, ROOM);
      await say(on.alice, "Nobody else reads this.");
      await say(on.bob, "And nobody that.");
      const json = await safe.eventsOnServer(on.alice.page);
      const { chunk } = JSON.parse(json) as { chunk: { type: string }[] };
      const types = chunk.map(({ type }) => type);
      expect(types).toContain("m.room.encryption");
      expect(types.filter((type) => type === "m.room.encrypted")).toHaveLength(2);
      expect(types).not.toContain("m.room.message");
      expect(json).not.toContain("Nobody");
    });

    test("answers, edits, reactions and deletions work as in an open one", async () => {
      await say(on.bob, "I'll send the cofee.");
      await chat.edit(on.bob.page, "I'll send the cofee.", "I'll send the coffee.");
      await chat.waitForMessage(on.alice.page, "I'll send the coffee.");
      await chat.react(on.alice.page, "I'll send the coffee.", "thumbs up");
      await chat.waitForReaction(on.bob.page, "I'll send the coffee.", "👍", 1);
      await say(on.bob, "No idea who wrote this.");
      await chat.deleteMessage(on.bob.page, "No idea who wrote this.");
      await chat.message(on.alice.page, "No idea who wrote this.").waitFor({ state: "detached" });
      expect(await safe.eventsOnServer(on.bob.page)).not.toContain("coffee");
    });

    test("a picture arrives with its thumbnail, and the server sees neither", async () => {
      const buffer = await sharp({
        create: {
          width: 1600,
          height: 1200,
          channels: 3,
          background: "#f4a259",
          noise: { type: "gaussian", mean: 128, sigma: 30 },
        },
      })
        .png()
        .toBuffer();
      await chat.sendFile(on.alice.page, { name: "boat.png", mimeType: "image/png", buffer });
      for (const { page } of [on.alice, on.bob]) {
        const image = page.getByRole("feed", { name: "Messages" }).locator("img").last();
        await image.waitFor();
        const width = (): Promise<number> =>
          image.evaluate(
            (element) => (element as unknown as { naturalWidth: number }).naturalWidth,
          );
        await eventually("the thumbnail is drawn", async () => (await width()) === 800);
      }
      await chat.sendFile(on.bob.page, {
        name: "notes.txt",
        mimeType: "text/plain",
        buffer: Buffer.from("the notes"),
      });
      const saved = await savedText(on.alice, kind, () =>
        on.alice.page.getByRole("button", { name: "Download notes.txt" }).click(),
      );
      expect(saved).toBe("the notes");
      expect(await safe.eventsOnServer(on.alice.page)).not.toMatch(/boat|notes/);
      await picture(on.alice.page, "encrypted-light");
    });

    test("a page that is opened anew shows what it knew, and reads on", async () => {
      await on.bob.page.reload();
      await chat.waitForMessage(on.bob.page, "I'll send the coffee.", 30_000);
      await say(on.alice, "Welcome back.");
    });

    test("a new device reads nothing, until the recovery key was typed", async () => {
      laptop = await openScreen(on.browser, { scheme: "light" });
      await safe.signIn(laptop.page, { baseUrl: on.here.baseUrl, ...ALICE });
      await chat.openRoom(laptop.page, ROOM);
      await safe.waitForUnreadable(laptop.page);
      await safe.unlock(laptop.page, recoveryKey);
      await chat.waitForMessage(laptop.page, "Nobody else reads this.", 60_000);
      await chat.waitForMessage(laptop.page, "I'll send the coffee.", 60_000);
      await chat.sendMessage(laptop.page, "From my laptop.");
      await chat.waitForMessage(on.bob.page, "From my laptop.", 30_000);
    });

    test("another device is verified by emoji", async () => {
      const phone = await openScreen(on.browser, { scheme: "dark" });
      await safe.signIn(phone.page, { baseUrl: on.here.baseUrl, ...ALICE });
      await safe.verifyByEmoji(phone.page, on.alice.page);
      await chat.openRoom(phone.page, ROOM);
      await chat.waitForMessage(phone.page, "Nobody else reads this.", 60_000);
      expect(phone.errors).toEqual([]);
      await phone.page.context().close();
    });

    test("Alice and Bob verify one another by emoji, and go on writing", async () => {
      await safe.verifyPerson(on.alice.page, "bob", on.bob.page, "alice");
      await chat.openRoom(on.bob.page, ROOM);
      await say(on.alice, "It is really you.");
    });

    test("signing out leaves nothing in the browser", async () => {
      await safe.signOut(laptop.page);
      await eventually("all is gone", async () => {
        const names = await safe.databases(laptop.page);
        return names.length === 0;
      });
      expect([...on.alice.errors, ...on.bob.errors, ...laptop.errors]).toEqual([]);
    });
  });
}
