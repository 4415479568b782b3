import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { register, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { hasBrowser, launchBrowser, openScreen, type Screen } from "./support/browser.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

/** With WEFT_MEASURE=1 it is measured in a long conversation. */
const isMeasured = process.env["WEFT_MEASURE"] === "1";
const MESSAGES = isMeasured ? 5_000 : 300;

function wordsOf(number: number): string {
  return `message ${number} ${"words that fill a line or two ".repeat(number % 7)}`;
}

/** In the page: the time of each frame, and how far lines jumped. As text: it runs there. */
const WATCH = `
  window.frames = []; window.shifts = [];
  let last = performance.now();
  const tick = (now) => { window.frames.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts.push(entry.value);
  }).observe({ type: "layout-shift" });
  window.scroller = () => ["weft-shell", "weft-room", "weft-timeline", ".scroller"]
    .reduce((node, name) => node.shadowRoot.querySelector(name), document.querySelector("weft-app"));
`;

/** As many lines of the same words, with nothing to them. */
const PLAIN = `<style>body { margin: 0; font: 15px sans-serif } main { height: 100vh; overflow: auto } p { margin: 4px 80px }</style>
  <main>${Array.from({ length: MESSAGES }, (_, at) => `<p>${wordsOf(at)}</p>`).join("")}</main>`;

interface Seen {
  frames: number[];
  shifts: number[];
}

describe.skipIf(!hasBrowser("Chromium"))(
  "scrolling through a long room",
  { timeout: 600_000 },
  () => {
    let network: Network;
    let weft: WeftProcess;
    let browser: Browser;
    let screen: Screen;
    let alice: TestUser;

    beforeAll(async () => {
      await ensureWebClient();
      network = await createNetwork();
      weft = await startWeft(network, { name: "here" });
      alice = await register(weft, "alice");
      const { room_id: roomId } = await alice.call("POST", "/createRoom", { name: "Long" });
      for (let at = 0; at < MESSAGES; at += 50) {
        const words = Array.from({ length: 50 }, (_, step) => wordsOf(at + step));
        for (const body of words) await alice.send(roomId, body);
      }
      browser = await launchBrowser();
      screen = await openScreen(browser, { scheme: "light" });
      const { userId, token: accessToken, deviceId } = alice;
      const session = JSON.stringify({ baseUrl: "", userId, accessToken, deviceId });
      await screen.page.goto(`${weft.baseUrl}/_weft/health`);
      await screen.page.evaluate(
        `localStorage.setItem("weft.session", ${JSON.stringify(session)})`,
      );
      await screen.page.goto(`${weft.baseUrl}/#/room/${encodeURIComponent(roomId)}`);
      await putOff(screen.page);
      await screen.page.getByRole("article", { name: `message ${MESSAGES - 1} ` }).waitFor();
      await screen.page.evaluate(WATCH);
    }, 900_000);

    afterAll(async () => {
      await browser?.close();
      await weft?.stop();
      await network?.close();
    }, 180_000);

    async function wheel(by: number, isThere: () => Promise<boolean>): Promise<Seen> {
      const { page } = screen;
      await page.evaluate("window.frames = []; window.shifts = [];");
      await eventually(
        "the end of the way",
        async () => {
          for (let step = 0; step < 10; step += 1) await page.mouse.wheel(0, by);
          return isThere();
        },
        { within: 300_000, every: 1 },
      );
      return page.evaluate("({ frames: window.frames, shifts: window.shifts })");
    }

    function told(way: string, { frames, shifts }: Seen): { p95: number; shift: number } {
      const sorted = frames.toSorted((a, b) => a - b);
      const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!;
      const shift = shifts.reduce((sum, one) => sum + one, 0);
      if (isMeasured) {
        console.info(
          `${MESSAGES} messages ${way}: ${frames.length} frames, p50 ${at(0.5).toFixed(0)}, p95 ${at(0.95).toFixed(0)}, ` +
            `p99 ${at(0.99).toFixed(0)}, max ${at(1).toFixed(0)} ms; layout shift ${shift.toFixed(3)}`,
        );
      }
      return { p95: at(0.95), shift };
    }

    test("leads up to the first message, and down to the last", async () => {
      const { page } = screen;
      await page.mouse.move(700, 400);
      const top = () =>
        page.evaluate<boolean>(
          `window.scroller().scrollTop === 0 &&
            window.scroller().querySelector(".head").textContent === "This is where the conversation begins."`,
        );
      const up = told("upwards", await wheel(-400, top));
      const bottom = () =>
        page.evaluate<boolean>(
          "window.scroller().scrollHeight - window.scroller().scrollTop - window.scroller().clientHeight < 3",
        );
      const down = told("downwards", await wheel(400, bottom));
      if (isMeasured) {
        await page.setContent(PLAIN);
        await page.evaluate(WATCH);
        await page.evaluate("window.scroller = () => document.querySelector('main'); undefined");
        const plain = told("of a plain page downwards", await wheel(400, bottom));
        // What such a page takes is not ours: it is the machine's, and what else runs on it.
        expect([up.p95, down.p95].map((frame) => frame < 33 || frame < plain.p95 * 2)).toEqual([
          true,
          true,
        ]);
        expect([up.shift, down.shift].map((shift) => shift < 0.05)).toEqual([true, true]);
      }
      expect(screen.errors).toEqual([]);
    });
  },
);
