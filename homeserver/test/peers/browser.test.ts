import sharp from "sharp";
import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import { hasBrowser, picture, type Screen } from "./support/browser.ts";
import { bothRegister, twoScreens } from "./support/two-screens.ts";
import { eventually } from "../support/wait.ts";

const ROOM = "Trip to the lakes";

/** Each test goes on where the one before ended. */
for (const kind of ["Chromium", "Firefox"] as const) {
  describe.skipIf(!hasBrowser(kind))(`two servers, in ${kind}`, { timeout: 120_000 }, () => {
    const on = twoScreens(kind);

    /** Says something in Markdown, and waits until both see it. */
    async function say(by: Screen, body: string): Promise<void> {
      await chat.sendMessage(by.page, body);
      const seen = body.replaceAll("*", "");
      await Promise.all(
        [on.alice, on.bob].map(({ page }) => chat.waitForMessage(page, seen, 30_000)),
      );
    }

    test("both register", async () => {
      await on.alice.page.goto(on.here.baseUrl);
      await on.alice.page.getByRole("heading").first().waitFor();
      await bothRegister(on);
    });

    test("an invitation crosses and is accepted", async () => {
      await chat.createRoom(on.alice.page, {
        name: ROOM,
        topic: "When, who, and who brings the boat",
      });
      await chat.invite(on.alice.page, `@bob:${on.there.serverName}`);
      await chat.acceptInvite(on.bob.page, ROOM);
    });

    test("messages go both ways", async () => {
      await say(on.alice, "Good morning! Shall we go on **Saturday**?");
      await say(on.bob, "Saturday is fine. Who brings the boat?");
      await say(on.bob, "I'll bring the cofee.");
      await say(on.alice, "And I bring the boat. Last year it looked like this:");
    });

    test("an image arrives with its picture", async () => {
      const buffer = await sunset();
      await chat.sendFile(on.alice.page, { name: "boat.png", mimeType: "image/png", buffer });
      for (const { page } of [on.alice, on.bob]) {
        const image = page.getByRole("feed", { name: "Messages" }).locator("img").last();
        await image.waitFor();
        await eventually("the image is drawn", () =>
          image.evaluate(
            (element) => (element as unknown as { naturalWidth: number }).naturalWidth > 0,
          ),
        );
      }
    });

    test("a reaction, an edit and a deletion are seen on the other side", async () => {
      await chat.react(on.bob.page, "Good morning!", "thumbs up");
      await chat.waitForReaction(on.alice.page, "Good morning!", "👍", 1);
      await chat.toggleReaction(on.alice.page, "Good morning!", "👍");
      await chat.waitForReaction(on.bob.page, "Good morning!", "👍", 2);
      await chat.edit(on.bob.page, "I'll bring the cofee.", "I'll bring the coffee.");
      await chat.waitForMessage(on.alice.page, "I'll bring the coffee.");
      await say(on.bob, "No idea who wrote this.");
      await chat.deleteMessage(on.bob.page, "No idea who wrote this.");
      await chat.message(on.alice.page, "No idea who wrote this.").waitFor({ state: "detached" });
    });

    test("typing and receipts are seen on the other side", async () => {
      await chat.composer(on.bob.page).pressSequentially("Let me", { delay: 50 });
      await chat.waitForTyping(on.alice.page);
      await chat.composer(on.bob.page).fill("");
      await say(on.alice, "Then it is settled.");
      await chat.waitForReader(on.alice.page, "bob");
      await picture(on.alice.page, "conversation-light");
    });

    test("a page goes on by itself after its server was killed and started again", async () => {
      await on.there.kill();
      await chat.sendMessage(on.alice.page, "Are you still there?");
      await on.there.start();
      await chat.waitForMessage(on.bob.page, "Are you still there?", 60_000);
      await say(on.bob, "Yes, that was only a restart.");
      expect([...on.alice.errors, ...on.bob.errors]).toEqual([]);
    });

    test("both pages show the same conversation", async () => {
      const [own, other] = await Promise.all(
        [on.alice, on.bob].map(({ page }) => chat.visibleMessages(page)),
      );
      expect(other).toEqual(own);
      expect(own!.join("\n")).toContain("I'll bring the coffee.");
    });
  });
}

/** A picture worth sending: PNG. */
function sunset(): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="400">
    <defs>
      <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stop-color="#274060"/><stop offset="0.7" stop-color="#f4a259"/>
        <stop offset="1" stop-color="#f9dcc4"/>
      </linearGradient>
      <linearGradient id="lake" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stop-color="#f2b880"/><stop offset="1" stop-color="#1b3a4b"/>
      </linearGradient>
    </defs>
    <rect width="640" height="260" fill="url(#sky)"/><circle cx="430" cy="225" r="46" fill="#ffe8b6"/>
    <path d="M0 260 L110 165 L200 240 L300 140 L410 245 L520 180 L640 260 Z" fill="#22333b"/>
    <rect y="260" width="640" height="140" fill="url(#lake)"/>
    <path d="M150 305 h130 l-22 30 h-86 Z" fill="#5e3023"/><path d="M212 210 v92 h62 Z" fill="#fefae0"/>
  </svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}
