import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

/** The browser's program, as Debian has it. */
export const CHROMIUM = process.env["WEFT_CHROMIUM"] ?? "/usr/bin/chromium";

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}
