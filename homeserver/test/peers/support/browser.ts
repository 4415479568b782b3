import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = process.env["WEFT_CHROMIUM"] ?? "/usr/bin/chromium";
const IMAGES = join(import.meta.dirname, "..", "..", "..", "..", "docs", "images");

/** Whether there is a Chromium: skip tests by name otherwise. */
export const hasChromium = existsSync(CHROMIUM);

/** A headless browser; its processes end with it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

export interface Screen {
  readonly page: Page;
  /** What went wrong in the page: uncaught errors. */
  readonly errors: readonly string[];
}

/** A browser of somebody's own: nothing is shared with the other. */
export async function openScreen(
  browser: Browser,
  { scheme }: { scheme: "light" | "dark" },
): Promise<Screen> {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width: 1200, height: 800 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  return { page, errors };
}

/** Saves a picture for the docs, when WEFT_SCREENSHOTS is 1. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env["WEFT_SCREENSHOTS"] !== "1") return;
  await mkdir(IMAGES, { recursive: true });
  // Nothing is pointed at.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(IMAGES, `${name}.png`) });
}
