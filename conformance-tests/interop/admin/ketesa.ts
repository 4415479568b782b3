/** Ketesa itself, in a browser: no registry has it, so whoever has a release of it says where it lies. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { CHROMIUM } from "../../../web-client/e2e/chromium.ts";
import { servePages } from "../page-server.ts";
import { addToScene, storyOf } from "./ketesa-story.ts";
import type { Scene } from "./scene.ts";

/** Of one wait, in milliseconds. Deleting a room and purging its history are asked after every three seconds. */
const WAIT_MS = 20_000;

/** Runs the release of Ketesa in the folder. What does not work, in words. */
export async function runKetesa(
  say: (line: string) => void,
  scene: Scene,
  folder: string,
): Promise<string[]> {
  if (!existsSync(join(folder, "index.html"))) {
    throw new Error(
      `${folder} has no index.html: --ketesa wants the folder of an unpacked release.`,
    );
  }
  await addToScene(scene);
  const pages = await servePages(folder);
  const browser = await chromium.launch(CHROMIUM);
  const wrong: string[] = [];
  try {
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    page.setDefaultTimeout(WAIT_MS);
    const refused = watch(page);
    for (const { name, run } of storyOf({ page, url: pages.url, scene })) {
      try {
        await run();
        say(`Ketesa: ${name}`);
      } catch (error) {
        wrong.push(`Ketesa does not: ${name}: ${(error as Error).message}`);
      }
      wrong.push(...refused.splice(0).map((line) => `Ketesa: ${name}: ${line}`));
    }
  } finally {
    await browser.close();
    pages.close();
  }
  return wrong;
}

/** Gathers what the server refuses of what the pages ask, under whichever of its names, and what breaks in them. */
function watch(page: Page): string[] {
  const seen: string[] = [];
  page.on("response", (got) => {
    const { pathname } = new URL(got.url());
    const [method, status] = [got.request().method(), got.status()];
    // It asks twice for what can be undone for a while. Whether something is deleted the steps look themselves.
    const isSecond = method === "DELETE" && status === 404;
    if (status >= 400 && pathname.startsWith("/_") && !isSecond) {
      seen.push(`${method} ${pathname}: ${status}`);
    }
  });
  page.on("pageerror", (error) => seen.push(error.message));
  return seen;
}
