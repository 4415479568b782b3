import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import * as safe from "../../../web-client/e2e/encryption.ts";
import * as verify from "../../../web-client/e2e/verification.ts";
import { hasBrowser, openScreen, picture, type Screen } from "./support/browser.ts";
import { twoScreens } from "./support/two-screens.ts";

const ALL_VERIFIED = "Encrypted, and everyone is verified";
const PASSWORD = "Very-Secret-12";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "two people verify one another",
  { timeout: 120_000 },
  () => {
    const on = twoScreens();

    const lock = (screen: Screen, name: string) =>
      screen.page.getByRole("button", { name, exact: true }).waitFor({ timeout: 60_000 });

    test("who have set encryption up, and write to one another", async () => {
      const account = { username: "alice", password: PASSWORD };
      await chat.register(on.alice.page, { baseUrl: on.here.baseUrl, ...account });
      await chat.register(on.bob.page, { baseUrl: on.there.baseUrl, ...account, username: "bob" });
      await on.alice.page.getByRole("heading", { name: "Secure your messages" }).waitFor();
      await picture(on.alice.page, "encryption-setup");
      await safe.setUp(on.alice.page);
      await safe.setUp(on.bob.page);
      await verify.writeTo(on.alice.page, `@bob:${on.there.serverName}`);
      await lock(on.alice, "Encrypted");
      await chat.acceptInvite(on.bob.page, "alice");
      await chat.sendMessage(on.alice.page, "Nobody else can read this.");
      await chat.waitForMessage(on.bob.page, "Nobody else can read this.", 60_000);
    });

    test("fails where the emoji differ, and says so on both sides", async () => {
      await verify.askToVerify(on.bob.page, "alice");
      await verify.acceptRequest(on.alice.page);
      await verify.chooseEmoji(on.bob.page);
      await Promise.all([on.alice, on.bob].map(({ page }) => verify.emojiShown(page)));
      await verify.theyDiffer(on.alice.page);
      await verify.leaveFailed(on.alice.page, /do not match/);
      await verify.leaveFailed(on.bob.page, /do not match/);
      await lock(on.alice, "Encrypted");
    });

    test("by emoji that are the same, which the room shows from then on", async () => {
      await verify.askToVerify(on.alice.page, "bob");
      await verify.acceptRequest(on.bob.page);
      await verify.chooseEmoji(on.alice.page);
      const [own, other] = await Promise.all(
        [on.alice, on.bob].map(({ page }) => verify.emojiShown(page)),
      );
      expect(own).toEqual(other);
      await picture(on.alice.page, "encryption-verification");
      await verify.theyMatch(on.alice.page);
      await verify.theyMatch(on.bob.page);
      await Promise.all([on.alice, on.bob].map(({ page }) => verify.leaveVerified(page)));
      await Promise.all([on.alice, on.bob].map((screen) => lock(screen, ALL_VERIFIED)));
      await chat.sendMessage(on.bob.page, "Then I can tell you where the cake is hidden.");
      await chat.waitForMessage(
        on.alice.page,
        "Then I can tell you where the cake is hidden.",
        60_000,
      );
      await picture(on.alice.page, "encryption-conversation");
    });

    test("and are warned when the identity of one is another, until they decide", async () => {
      await on.bob.page.goto(`${on.there.baseUrl}/#/settings/encryption`);
      await verify.resetIdentity(on.bob.page, PASSWORD);
      await chat.openRoom(on.bob.page, "alice");
      await lock(on.alice, "Encrypted, but an identity has changed");
      await chat.sendMessage(on.alice.page, "Is that you?");
      await on.alice.page.getByText(/Not sent/).waitFor();
    });

    test("anew by a QR code that one shows and the other scans", async () => {
      await on.alice.page.getByRole("button", { name: "Verify again" }).click();
      await verify.acceptRequest(on.bob.page);
      await verify.scanCode(on.bob.page, on.alice.page);
      await Promise.all([on.alice, on.bob].map(({ page }) => verify.leaveVerified(page)));
      await Promise.all([on.alice, on.bob].map((screen) => lock(screen, ALL_VERIFIED)));
      await on.alice.page.getByRole("button", { name: "Try again" }).click();
      await chat.waitForMessage(on.bob.page, "Is that you?", 60_000);
    });

    test("or write on without it", async () => {
      await on.bob.page.goto(`${on.there.baseUrl}/#/settings/encryption`);
      await verify.resetIdentity(on.bob.page, PASSWORD);
      await chat.openRoom(on.bob.page, "alice");
      await on.alice.page.getByRole("button", { name: "Write without verifying" }).click();
      await lock(on.alice, "Encrypted");
      await chat.sendMessage(on.alice.page, "It is you again.");
      await chat.waitForMessage(on.bob.page, "It is you again.", 60_000);
    });

    test("and their devices show in the settings which of them are verified", async () => {
      const laptop = await openScreen(on.browser, { scheme: "light" });
      await safe.signIn(laptop.page, {
        baseUrl: on.here.baseUrl,
        username: "alice",
        password: PASSWORD,
      });
      await on.alice.page.goto(`${on.here.baseUrl}/#/settings/devices`);
      await on.alice.page.getByText("Not verified", { exact: true }).waitFor();
      await picture(on.alice.page, "encryption-devices");
      expect([...on.alice.errors, ...on.bob.errors, ...laptop.errors]).toEqual([]);
    });
  },
);
