/** What every view of a page has to be. */
import axe from "axe-core";
import type { Page } from "playwright-core";
import { amissControls } from "../../../../web-client/e2e/controls.mjs";
import { eventually } from "../../support/wait.ts";
import { DESKTOP, picture } from "./browser.ts";

const PHONE = { width: 390, height: 844 };
const SMALL = { width: 320, height: 640 };
/** The desktop's, in the pixels of a page that is shown twice as large. */
const DOUBLED = { width: 600, height: 400 };

/**
 * Looks at what a page shows on a desktop and on a phone, in light and dark, as it is found sound:
 * axe finds nothing; nothing is wider than the screen or cannot be brought into view, also at 320
 * pixels and at 200 %; in forced colours one sees where the keyboard is. Saves a picture of each when
 * they are wanted. The page is as before then.
 */
export async function view(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [screen, size] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    await page.setViewportSize(size);
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await isAccessible(page, `${name}, ${screen}, ${scheme}`);
      await picture(page, `tour/${name}-${screen}-${scheme}`);
    }
    await isWithin(page, `${name}, ${screen}`);
  }
  for (const [screen, size] of Object.entries({ "320 px": SMALL, "200 %": DOUBLED })) {
    await page.setViewportSize(size);
    await isWithin(page, `${name}, ${screen}`);
    await allIsWell(page, `${name}, ${screen}: each control can be brought into view`, "lost");
  }
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ forcedColors: "active" });
  await allIsWell(page, `${name}, forced colours: what has the keyboard is marked`, "unmarked");
  await page.emulateMedia({ colorScheme: null, reducedMotion: null, forcedColors: null });
}

/** Waits until axe finds nothing wrong with a page: colours may still pass over into one another. */
export async function isAccessible(page: Page, what: string): Promise<void> {
  let found: string[] = [];
  await eventually(
    () => `${what}: axe finds nothing; it finds ${found.join("\n")}`,
    async () => (found = await violations(page)).length === 0,
    { within: 20_000, every: 200 },
  );
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`);
  });
}

/** Waits until nobody has to scroll sideways: lines are laid out anew after the screen has changed. */
async function isWithin(page: Page, what: string): Promise<void> {
  let wide: string[] = [];
  await eventually(
    () => `${what}: no wider than the screen; beyond it are ${wide.join(", ")}`,
    async () => {
      wide = await page.evaluate<string[]>(WIDE);
      return wide.length === 0;
    },
    { within: 20_000 },
  );
}

/** The tags of what reaches beyond the screen, where that makes one scroll. */
const WIDE = `(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const found = [];
  const look = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.getBoundingClientRect().right > innerWidth + 1) {
        found.push([each.localName, each.className, Math.round(each.getBoundingClientRect().right)].join(" "));
      }
      if (each.shadowRoot) look(each.shadowRoot);
    }
  };
  look(document);
  return found.length > 0 ? found : ["what has no box"];
})()`;

/** Waits until no control is amiss. */
async function allIsWell(
  page: Page,
  what: string,
  kind: Parameters<typeof amissControls>[0],
): Promise<void> {
  let amiss: string[] = [];
  await eventually(
    () => `${what}; not so ${amiss.join(", ")}`,
    async () => (amiss = await page.evaluate(amissControls, kind)).length === 0,
    { within: 20_000, every: 100 },
  );
}
