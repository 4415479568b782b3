import type { Page } from "playwright-core";
import { putOff } from "../../../web-client/e2e/encryption.ts";
import { register } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { enter, type Figure, freshPage, type Measure, share } from "./figure.ts";

export const words = (at: number): string =>
  `message ${at} ${"words that fill a line or two ".repeat(at % 7)}`;

/** In the page: the time of each frame, and how far lines jumped. */
export const WATCH = `
  window.frames = []; window.shifts = [];
  let last = performance.now();
  const tick = (now) => { window.frames.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)))
    .observe({ type: "layout-shift" });
  window.scroller = () => document.querySelector("main") ?? ["weft-shell", "weft-room", "weft-timeline", ".scroller"]
    .reduce((node, name) => node.shadowRoot.querySelector(name), document.querySelector("weft-app"));
  undefined;
`;
const TOP = `scroller().scrollTop === 0 && scroller().querySelector(".head").textContent === "This is where the conversation begins."`;
const END = "scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < 3";
/** The line of a message is on the page. */
const isDrawn = (at: number): string =>
  `[...scroller().querySelectorAll(".row")].some((row) => /message ${at}\\b/.test(row.getAttribute("aria-label")))`;

export interface Seen {
  readonly frames: number[];
  readonly shift: number;
}

/** Turns the wheel until what a script in the page looks for is so. */
export async function wheel(page: Page, by: number, end: string): Promise<Seen> {
  await page.mouse.move(700, 400);
  await page.evaluate("window.frames = []; window.shifts = [];");
  await eventually(
    "the end of the way",
    async () => {
      for (let step = 0; step < 10; step += 1) await page.mouse.wheel(0, by);
      return page.evaluate<boolean>(end);
    },
    { within: 240_000, every: 1 },
  );
  return page.evaluate("({ frames, shift: shifts.reduce((sum, one) => sum + one, 0) })");
}

/** Through a plain page of as many lines by the wheel: so much is the machine's. */
async function plainPage(page: Page, count: number): Promise<number> {
  const lines = Array.from({ length: count }, (_, at) => `<p>${words(at)}</p>`).join("");
  await page.setContent(
    `<style>body { margin: 0; font: 15px sans-serif } main { height: 100vh; overflow: auto } p { margin: 4px 80px }</style><main>${lines}</main>`,
  );
  await page.evaluate(WATCH);
  return share((await wheel(page, 400, END)).frames, 0.95);
}

/** Through a long conversation up and down by the wheel. */
export const scrolling: Measure = async ({ weft, browser, isQuick }) => {
  const count = isQuick ? 500 : 5000;
  const user = await register(weft, "scroller");
  const { room_id: roomId } = await user.call("POST", "/createRoom", { name: "Long" });
  for (let at = 0; at < count; at += 1) await user.send(roomId, words(at));
  const { context, page } = await freshPage(browser);
  const plain = await plainPage(page, count);
  await enter(page, weft.baseUrl, user);
  await page.goto(`${weft.baseUrl}/#/room/${encodeURIComponent(roomId)}`);
  await putOff(page);
  await page.getByRole("article", { name: `message ${count - 1} ` }).waitFor();
  await page.evaluate(WATCH);
  const ways: [string, Seen][] = [
    ["up", await wheel(page, -400, `${TOP} && ${isDrawn(0)}`)],
    ["down", await wheel(page, 400, `${END} && ${isDrawn(count - 1)}`)],
  ];
  await context.close();
  return ways.flatMap(([way, seen]) =>
    scrolled(`scrolling ${count} messages ${way}`, seen, `a plain page: ${plain.toFixed(0)} ms`),
  );
};

/** The figures of one way by the wheel. */
export function scrolled(what: string, { frames, shift }: Seen, beside: string): Figure[] {
  const note = `${frames.length} frames; ${beside}`;
  return [
    { what: `${what}, p95 of a frame`, value: share(frames, 0.95), goal: 33, unit: "ms", note },
    { what: `${what}, layout shift`, value: shift, goal: 0.05, unit: "" },
  ];
}
