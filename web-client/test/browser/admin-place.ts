import { html } from "lit";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { closeDialog } from "../../src/store/dialogs.ts";
import { followAddress, navigate } from "../../src/store/router.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { createAdminClient } from "./admin.ts";
import { expectAccessible, focused, settled, show } from "./support.ts";
import "../../src/pages/shell.ts";
import "../../src/pages/admin.ts";
import "../../src/admin/place.ts";
import "../../src/dialogs/act.ts";

type Answers = Parameters<typeof createAdminClient>[0];

/** Opens a place of the administration, as its address does. */
export async function openPlace(answers: Answers, path: string[]) {
  const played = createAdminClient(answers);
  navigate({ page: "admin", path }, true);
  await show(html`<weft-shell .client=${played.client}></weft-shell>`, played.client);
  return played;
}

/** For a test file: the address is followed, and each test begins with nothing open. */
export function usePlaces(): void {
  // axe looks at whole pages here, some times in each test: on a busy machine that takes long.
  vi.setConfig({ testTimeout: 180_000 });
  let unfollow: () => void;
  beforeEach(async () => {
    unfollow = followAddress();
    await page.viewport(1100, 800);
  });
  afterEach(() => {
    unfollow();
    closeDialog();
    $toasts.set([]);
    navigate({ page: "home" }, true);
  });
}

/** Nothing sticks out at 320 px, and axe finds nothing there either. */
export async function expectNarrow(): Promise<void> {
  await page.viewport(320, 700);
  await settled();
  expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(320);
  for (const element of wide(document)) expect(element).toBe("nothing wider than the page");
  await expectAccessible();
}

/** What is wider than the page, and not in something that scrolls. */
function wide(root: Document | ShadowRoot): string[] {
  return [...root.querySelectorAll("*")].flatMap((element) => {
    const inside = element.shadowRoot === null ? [] : wide(element.shadowRoot);
    const { right, width } = element.getBoundingClientRect();
    if (width === 0 || right <= 321 || scrolls(element)) return inside;
    return [`${element.tagName} ${element.getAttribute("class")} ${right}`, ...inside];
  });
}

function scrolls(element: Element): boolean {
  for (let at: Element | null = element; at !== null; at = parentOf(at)) {
    if (/auto|scroll|hidden/.test(getComputedStyle(at).overflowX) && at.tagName !== "MAIN")
      return true;
  }
  return false;
}

function parentOf(element: Element): Element | null {
  if (element.parentElement !== null) return element.parentElement;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

/** Goes on with the keyboard till something has it. */
export async function tabTo(element: () => Element): Promise<void> {
  for (let steps = 0; steps < 80; steps++) {
    if (focused() === element()) return;
    await userEvent.keyboard("{Tab}");
  }
  throw new Error(`the keyboard does not get to ${element().outerHTML.slice(0, 200)}`);
}
