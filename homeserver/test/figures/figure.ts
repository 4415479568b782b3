import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Network } from "../peers/support/network.ts";
import type { WeftProcess } from "../peers/support/process.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";

export interface Bench {
  readonly network: Network;
  readonly weft: WeftProcess;
  readonly browser: Browser;
  /** Fewer runs, and a tenth of the rooms and messages: to see that it works. */
  readonly isQuick: boolean;
}

export interface Figure {
  readonly what: string;
  readonly value: number;
  /** The value is to be below it. */
  readonly goal: number;
  readonly unit: "ms" | "kB" | "MB" | "px" | "";
  readonly note?: string;
}

export type Measure = (bench: Bench) => Promise<Figure[]>;

export function share(values: readonly number[], of: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * of)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => share(values, 0.5);

/** A browser of somebody's own, which nothing is kept in yet. */
export async function freshPage(
  browser: Browser,
): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({
    viewport: { width: 1200, height: 800 },
    locale: "en-GB",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  return { context, page };
}

/** A network of 400 kbit/s and 400 ms there and back, as testers of web pages call slow 3G. */
export async function slow(page: Page): Promise<void> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("Network.enable");
  await devTools.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: 50_000,
    uploadThroughput: 50_000,
  });
}

/** Has the page signed in as somebody whom the server knows, without opening the client. */
export async function enter(page: Page, baseUrl: string, user: TestUser): Promise<void> {
  const { userId, token: accessToken, deviceId } = user;
  const session = JSON.stringify({ baseUrl: "", userId, accessToken, deviceId });
  await page.goto(`${baseUrl}/_weft/health`);
  await page.evaluate(`localStorage.setItem("weft.session", ${JSON.stringify(session)})`);
}

/** Milliseconds from the navigation's start until what a script in the page looks for was painted. */
export async function paintedAfter(page: Page, url: string, seen: string): Promise<number> {
  await page.addInitScript(`{
    const look = () => {
      const at = (root, ...path) => path.reduce((node, name) => node?.shadowRoot?.querySelector(name), root);
      if (!(${seen})) return requestAnimationFrame(look);
      requestAnimationFrame(() => requestAnimationFrame(() => (window.paintedAt = performance.now())));
    };
    requestAnimationFrame(look);
  }`);
  await page.goto(url);
  return painted(page);
}

/** When the page that is open was painted, by its own clock. */
export function painted(page: Page): Promise<number> {
  return eventually("it was painted", () => page.evaluate<number>("window.paintedAt"), {
    within: 240_000,
  });
}
