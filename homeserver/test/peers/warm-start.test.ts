import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { hasBrowser, launchBrowser, openScreen, type Screen } from "./support/browser.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

/** With WEFT_MEASURE=1 it is measured with as many rooms as people have who have many. */
const isMeasured = process.env["WEFT_MEASURE"] === "1";
const ROOMS = isMeasured ? 300 : 20;
const MESSAGES = isMeasured ? 20 : 3;
const RUNS = 9;

/** In the page: milliseconds from the navigation's start until rooms with a name and a last message were painted. As text: it runs there. */
const WATCH = `
  const look = () => {
    const at = (root, ...path) => path.reduce((node, name) => node?.shadowRoot?.querySelector(name), root);
    const link = at(document.querySelector("weft-app"), "weft-shell", "weft-sidebar", "weft-room-list", "weft-room-link");
    const preview = link?.shadowRoot?.querySelector(".preview")?.textContent.trim();
    if (!preview) return requestAnimationFrame(look);
    requestAnimationFrame(() => requestAnimationFrame(() => (window.paintedAt = performance.now())));
  };
  requestAnimationFrame(look);
`;

describe.skipIf(!hasBrowser("Chromium"))(
  "a page that is opened again",
  { timeout: 240_000 },
  () => {
    let network: Network;
    let weft: WeftProcess;
    let browser: Browser;
    let screen: Screen;
    let alice: TestUser;

    async function makeRoom(name: string, isEncrypted: boolean): Promise<void> {
      const encryption = {
        type: "m.room.encryption",
        state_key: "",
        content: { algorithm: "m.megolm.v1.aes-sha2" },
      };
      const { room_id: roomId } = await alice.call("POST", "/createRoom", {
        name,
        ...(isEncrypted && { initial_state: [encryption] }),
      });
      for (let count = 0; count < MESSAGES; count += 1) await alice.send(roomId, `words ${count}`);
    }

    beforeAll(async () => {
      await ensureWebClient();
      network = await createNetwork();
      weft = await startWeft(network, { name: "here" });
      alice = await register(weft, "alice");
      for (let at = 0; at < ROOMS; at += 1) await makeRoom(`Room ${at}`, at % 2 === 0);
      browser = await launchBrowser();
      screen = await openScreen(browser, { scheme: "light" });
      const { userId, token: accessToken, deviceId } = alice;
      const session = JSON.stringify({ baseUrl: "", userId, accessToken, deviceId });
      await screen.page.goto(`${weft.baseUrl}/_weft/health`);
      await screen.page.evaluate(
        `localStorage.setItem("weft.session", ${JSON.stringify(session)})`,
      );
      await screen.page.goto(weft.baseUrl);
      const link = screen.page.locator("weft-room-link").first();
      await link.getByText(`words ${MESSAGES - 1}`).waitFor({ timeout: 120_000 });
    }, 900_000);

    afterAll(async () => {
      await browser?.close();
      await weft?.stop();
      await network?.close();
    }, 180_000);

    /** The names of the rooms that are kept on the disk. */
    const kept = (): Promise<number> =>
      screen.page.evaluate(`new Promise((resolve, reject) => {
      const open = indexedDB.open("weft ${alice.userId} ${alice.deviceId}");
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        const count = open.result.transaction("rooms").objectStore("rooms").count();
        count.onsuccess = () => {
          open.result.close();
          resolve(count.result);
        };
      };
    })`);

    test("shows the rooms before the server has answered anything", async () => {
      const { page } = screen;
      await eventually("all rooms are kept", async () => (await kept()) === ROOMS);
      const released = Promise.withResolvers<void>();
      const held: string[] = [];
      await page.route("**/_matrix/**", async (route) => {
        held.push(new URL(route.request().url()).pathname);
        await released.promise;
        await route.continue().catch(() => undefined);
      });
      await page.reload();
      for (const at of [ROOMS - 1, ROOMS - 2]) {
        const link = page.locator("weft-room-link").filter({ hasText: `Room ${at}` });
        await link.getByText(`words ${MESSAGES - 1}`).waitFor();
      }
      await eventually("it has asked for news", () => held.some((path) => path.endsWith("/sync")));
      released.resolve();
      await page.unrouteAll({ behavior: "ignoreErrors" });
      expect(screen.errors).toEqual([]);
    });

    if (isMeasured) {
      test("shows them within half a second", async () => {
        const { page } = screen;
        await page.addInitScript(WATCH);
        const times: number[] = [];
        for (let run = 0; run < RUNS; run += 1) {
          await page.goto("about:blank");
          await page.goto(weft.baseUrl);
          times.push(await eventually("a list", () => page.evaluate("window.paintedAt")));
        }
        const median = times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)]!;
        console.info(
          `${ROOMS} rooms: ${times.map(Math.round).join(", ")}; median ${Math.round(median)} ms`,
        );
        expect(median).toBeLessThan(500);
      });
    }
  },
);
