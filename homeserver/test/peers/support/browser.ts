import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { type Browser, chromium, firefox, type Page } from "playwright-core";
import { CHROMIUM } from "../../../../web-client/e2e/chromium.ts";

const FIREFOX = process.env["WEFT_FIREFOX"] ?? "/usr/bin/firefox-esr";
const IMAGES = join(import.meta.dirname, "..", "..", "..", "..", "docs", "images");

export type BrowserKind = "Chromium" | "Firefox";

/** Whether the browser is there: skip tests by name otherwise. */
export function hasBrowser(kind: BrowserKind): boolean {
  return existsSync(kind === "Firefox" ? FIREFOX : CHROMIUM.executablePath);
}

/** A headless browser; its processes end with it. Firefox is as Debian has it, by WebDriver BiDi. */
export function launchBrowser(kind: BrowserKind = "Chromium"): Promise<Browser> {
  if (kind === "Firefox") {
    return firefox.launch({ channel: "moz-firefox", executablePath: FIREFOX });
  }
  return chromium.launch(CHROMIUM);
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
    viewport: DESKTOP,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  return { page, errors };
}

/** Whether pictures are wanted: WEFT_SCREENSHOTS is 1. They are of Chromium. */
const isPictured = (page: Page): boolean =>
  process.env["WEFT_SCREENSHOTS"] === "1" &&
  page.context().browser()?.browserType().name() === "chromium";

/** Saves a picture for the docs, when they are wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!isPictured(page)) return;
  await mkdir(dirname(join(IMAGES, name)), { recursive: true });
  // Nothing is pointed at.
  await page.mouse.move(0, 0);
  // In 256 colours it is a third of the size.
  const drawn = sharp(await page.screenshot({ style: STILL })).png({ palette: true });
  await drawn.toFile(join(IMAGES, `${name}.png`));
}

/** How large a page is drawn, pixels. */
export const DESKTOP = { width: 1200, height: 800 };
/** No caret, which blinks. */
const STILL = "* { caret-color: transparent !important; }";
/**
 * The text of the file that a page hands to the browser when something is pressed. Playwright does
 * not tell of such downloads in Firefox, where the page's own link is read instead.
 */
export async function savedText(
  { page }: Screen,
  kind: BrowserKind,
  press: () => Promise<void>,
): Promise<string> {
  if (kind === "Chromium") {
    const [download] = await Promise.all([page.waitForEvent("download"), press()]);
    return readFile(await download.path(), "utf8");
  }
  await page.evaluate(LISTEN_FOR_LINKS);
  await press();
  return page.evaluate<string>("window.pressedLink");
}

/** Keeps what the next link that a script presses leads to. */
const LISTEN_FOR_LINKS = `
  window.pressedLink = new Promise((resolve, reject) => {
    const press = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () {
      HTMLAnchorElement.prototype.click = press;
      fetch(this.href).then((answer) => answer.text()).then(resolve, reject);
      press.call(this);
    };
  });
  undefined`;
