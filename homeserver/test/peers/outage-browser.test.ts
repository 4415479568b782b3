import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import { eventsOnServer, putOff } from "../../../web-client/e2e/encryption.ts";
import { eventually } from "../support/wait.ts";
import { openBehindProxy } from "./support/behind-proxy.ts";
import { hasBrowser, type Screen } from "./support/browser.ts";
import { saveRooms } from "./support/page-store.ts";
import type { WeftProcess } from "./support/process.ts";
import { createUpgradeProxy, type UpgradeProxy } from "./support/upgrade-proxy.ts";

/** Seconds that the server is away after all has been written: 0, or as many as one likes. */
const AWAY_S = Number(process.env["WEFT_TEST_OUTAGE_SECONDS"] ?? "0");
const OPEN = "The open shed";
const SEALED = "The letters";
const ROOMS = [OPEN, SEALED];
const GONE = "No connection. What you write is sent when it is back.";

interface Sent {
  type: string;
  content: { body?: string };
}

/** Each test goes on where the one before ended. */
for (const way of ["the socket", "/sync"] as const) {
  describe.skipIf(!hasBrowser("Chromium"))(
    `an outage amid a conversation over ${way}`,
    { timeout: 240_000 + AWAY_S * 1000 },
    () => {
      let weft: WeftProcess;
      let proxy: UpgradeProxy;
      let alice: Screen;
      let bob: Screen;
      let page: Page;
      const errors: string[] = [];
      const said: Record<string, string[]> = { [OPEN]: [], [SEALED]: [] };

      openBehindProxy(createUpgradeProxy, (opened) => {
        ({ weft, proxy, alice, bob } = opened);
        proxy.carriesSockets = way === "the socket";
        page = alice.page;
      });

      /** Writes in a room, whether or not it can leave. */
      async function write(room: string, text: string): Promise<void> {
        said[room]!.push(text);
        await chat.openRoom(page, room);
        await page.getByRole("textbox", { name: `Write to ${room}` }).waitFor();
        await chat.sendMessage(page, text);
        await chat.waitForMessage(page, text, 30_000);
      }

      async function bobReads(): Promise<void> {
        for (const room of ROOMS) {
          await chat.openRoom(bob.page, room);
          await chat.waitForMessage(bob.page, said[room]!.at(-1)!, 120_000);
          expect(await chat.visibleMessages(bob.page)).toEqual(said[room]);
        }
      }

      /** Another tab of Alice's browser. */
      async function openTab(): Promise<void> {
        page = await alice.page.context().newPage();
        page.setDefaultTimeout(30_000);
        page.on("pageerror", (error) => errors.push(error.message));
      }

      const tells = (what: "goes" | "is back") =>
        page
          .getByText(GONE)
          .waitFor({ state: what === "goes" ? "visible" : "hidden", timeout: 120_000 });

      test("two people talk in an open and in an encrypted room", async () => {
        for (const [screen, username] of [
          [alice, "alice"],
          [bob, "bob"],
        ] as const) {
          const password = `${username}-Secret-12`;
          await chat.register(screen.page, { baseUrl: proxy.baseUrl, username, password });
          await putOff(screen.page);
        }
        for (const room of ROOMS) {
          await chat.createRoom(page, { name: room, isEncrypted: room === SEALED });
          await chat.invite(page, `@bob:${weft.serverName}`);
          await chat.acceptInvite(bob.page, room);
          await write(room, `${room}: hello`);
        }
        await bobReads();
        await eventually("a worker looks after the page", () =>
          page.evaluate("navigator.serviceWorker.controller !== null"),
        );
        await saveRooms(page);
      });

      test("the server stops: the page says so, and takes what is written", async () => {
        await weft.stop();
        await tells("goes");
        for (const room of ROOMS) {
          for (const text of ["one", "two"]) await write(room, `${room}: ${text}, while away`);
          await chat.composer(page).fill(`half a thought in ${room}`);
        }
        const until = performance.now() + AWAY_S * 1000;
        await eventually("it was away for as long", () => performance.now() >= until, {
          within: AWAY_S * 1000 + 60_000,
          every: 200,
        });
      });

      test("the tab is closed and opened while it is away: all of that is there, and goes on", async () => {
        await page.close();
        await openTab();
        await page.goto(`${proxy.baseUrl}/`);
        await tells("goes");
        for (const room of ROOMS) {
          await chat.openRoom(page, room);
          await chat.waitForMessage(page, said[room]!.at(-1)!, 30_000);
          const thought = `half a thought in ${room}`;
          await eventually(
            "the draft is back",
            async () => (await chat.composer(page).inputValue()) === thought,
          );
          await write(room, `${room}: three, from the new tab`);
          await chat.composer(page).fill(thought);
        }
      });

      test("the server is back: each of it arrives once, in order", async () => {
        await weft.start();
        await tells("is back");
        await bobReads();
      });

      test("the browser is offline, and back", async () => {
        await page.context().setOffline(true);
        await tells("goes");
        for (const room of ROOMS) await write(room, `${room}: offline`);
        await page.context().setOffline(false);
        await tells("is back");
        await bobReads();
      });

      test("the server is killed with messages under way", async () => {
        for (const room of ROOMS) {
          await chat.openRoom(page, room);
          const texts = ["a", "b", "c"].map((text) => `${room}: ${text}, as it was killed`);
          for (const text of texts) await chat.sendMessage(page, text);
          said[room]!.push(...texts);
        }
        await weft.kill();
        await page.close();
        await weft.start();
        await openTab();
        await page.goto(`${proxy.baseUrl}/`);
        await bobReads();
      });

      test("nothing was lost or doubled: not on the page, and not on the server", async () => {
        for (const room of ROOMS) {
          await chat.openRoom(page, room);
          await chat.waitForMessage(page, said[room]!.at(-1)!, 60_000);
          expect(await chat.visibleMessages(page)).toEqual(said[room]);
          const { chunk } = JSON.parse(await eventsOnServer(page)) as { chunk: Sent[] };
          const type = room === SEALED ? "m.room.encrypted" : "m.room.message";
          const kept = chunk.filter((event) => event.type === type).toReversed();
          expect(kept).toHaveLength(said[room]!.length);
          if (room === OPEN) expect(kept.map(({ content }) => content.body)).toEqual(said[room]);
        }
        expect([...alice.errors, ...errors, ...bob.errors]).toEqual([]);
      });
    },
  );
}
