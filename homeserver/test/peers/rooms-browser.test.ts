import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import * as rooms from "../../../web-client/e2e/rooms.ts";
import { hasBrowser, picture } from "./support/browser.ts";
import { bothRegister, twoScreens } from "./support/two-screens.ts";

/** Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "rooms and spaces in two browsers on two servers",
  { timeout: 120_000 },
  () => {
    const on = twoScreens();
    const bob = (): string => `@bob:${on.there.serverName}`;

    test("both register", async () => {
      await bothRegister(on);
    });

    test("a space is made with a room in it, and its members join the room from another server", async () => {
      const [alice, other] = [on.alice.page, on.bob.page];
      await rooms.createSpace(alice, "Guild");
      await rooms.createRoomInSpace(alice, "Weaving");
      await chat.sendMessage(alice, "Mind the warp.");
      await alice.getByRole("link", { name: /Overview of the space/ }).click();
      await alice.getByRole("link", { name: "Open Weaving" }).waitFor();
      await picture(alice, "space-light");
      await rooms.inviteBecause(alice, bob(), "We need a dyer");
      await chat.openRoom(other, "Guild");
      await other.getByText("We need a dyer").waitFor();
      await picture(other, "invitation-dark");
      await other.getByRole("button", { name: "Accept" }).click();
      await other.getByRole("button", { name: "Join Weaving" }).click();
      await other.getByRole("link", { name: "Open Weaving" }).click();
      await chat.composer(other).waitFor();
      await chat.sendMessage(other, "I bring madder.");
      await chat.openRoom(alice, "Weaving");
      await chat.waitForMessage(alice, "I bring madder.", 30_000);
    });

    test("a room is opened to those who ask; one sees it from outside, asks, and is let in", async () => {
      const [alice, other] = [on.alice.page, on.bob.page];
      await chat.createRoom(alice, { name: "Cellar", topic: "Wine and wool" });
      await rooms.openSettings(alice, "Access");
      await alice.getByRole("radio", { name: "People who ask", exact: true }).check();
      await picture(alice, "room-settings-light");
      await alice.getByRole("button", { name: "Save" }).click();
      await alice.getByText("Saved.").first().waitFor();
      await alice.getByRole("link", { name: "Addresses" }).click();
      await alice.getByLabel(/^New address on/).fill("cellar");
      await alice.getByRole("button", { name: "Add" }).first().click();
      await alice.getByText("Main address").waitFor();
      await rooms.leaveSettings(alice);
      await rooms.goTo(other, `#cellar:${on.here.serverName}`);
      await other.getByText("Wine and wool").waitFor();
      await other.getByLabel(/Why would you like to join/).fill("Thirsty");
      await picture(other, "asking-dark");
      await other.getByRole("button", { name: "Ask to join" }).click();
      await other.getByText(/As soon as someone lets you in/).waitFor();
      await alice.getByText("Thirsty").first().waitFor();
      await alice.getByRole("button", { name: "Let in: bob" }).click();
      await other.getByRole("button", { name: "Accept" }).click();
      await chat.composer(other).waitFor();
    });

    test("who is removed still reads what was said, who did it and why", async () => {
      const [alice, other] = [on.alice.page, on.bob.page];
      await chat.sendMessage(alice, "Hands off the last bottle.");
      await chat.waitForMessage(other, "Hands off the last bottle.", 30_000);
      await alice.getByRole("button", { name: /^People, / }).click();
      await alice.locator("weft-member-list").getByRole("button", { name: /^bob/ }).click();
      await alice.getByRole("button", { name: "Remove", exact: true }).click();
      await alice.getByLabel(/^Reason/).fill("The bottle is empty");
      await alice.locator("weft-confirm").getByRole("button", { name: "Remove" }).click();
      await other.getByText(/alice removed you from this room/).waitFor();
      await other.getByText("The bottle is empty").last().waitFor();
      await chat.waitForMessage(other, "Hands off the last bottle.");
      expect(await chat.composer(other).count()).toBe(0);
      await other.reload();
      await other.getByText(/alice removed you from this room/).waitFor();
      await chat.waitForMessage(other, "Hands off the last bottle.");
      await picture(other, "removed-dark");
    });

    test("what is not there is said: a room, and a person", async () => {
      const other = on.bob.page;
      await rooms.goTo(other, `#nowhere:${on.here.serverName}`);
      await other.getByText("There is no room with this address").waitFor();
      await other.getByRole("button", { name: "New conversation" }).click();
      await other.getByRole("menuitem", { name: "Write to someone" }).click();
      await other.getByLabel("Name or address").fill(`@nobody:${on.there.serverName}`);
      await other.getByRole("button", { name: "Open chat" }).click();
      await other.getByText(/There is nobody with the address/).waitFor();
      expect([...on.alice.errors, ...on.bob.errors]).toEqual([]);
    });
  },
);
