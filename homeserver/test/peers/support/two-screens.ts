import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import * as chat from "../../../../web-client/e2e/conversation.ts";
import { putOff } from "../../../../web-client/e2e/encryption.ts";
import { ensureWebClient } from "../../../../scripts/lib/web-client.mjs";
import { type BrowserKind, launchBrowser, openScreen, type Screen } from "./browser.ts";
import { createNetwork, type Network } from "./network.ts";
import { startWeft, type WeftProcess } from "./process.ts";

/** Two servers that know one another, and a browser for a person at each. */
export interface TwoScreens {
  readonly network: Network;
  readonly here: WeftProcess;
  readonly there: WeftProcess;
  readonly browser: Browser;
  readonly alice: Screen;
  readonly bob: Screen;
}

/** Opens them before the tests of the block that calls this; they are there from the first test on. */
export function twoScreens(kind: BrowserKind = "Chromium"): TwoScreens {
  const opened = {} as { -readonly [K in keyof TwoScreens]: TwoScreens[K] };
  let network: Network | undefined;

  beforeAll(async () => {
    await ensureWebClient();
    const joint = (network = opened.network = await createNetwork());
    [opened.here, opened.there] = await Promise.all([
      startWeft(joint, { name: "here" }),
      startWeft(joint, { name: "there" }),
    ]);
    opened.browser = await launchBrowser(kind);
    opened.alice = await openScreen(opened.browser, { scheme: "light" });
    opened.bob = await openScreen(opened.browser, { scheme: "dark" });
  }, 240_000);

  // Where the test runs is often out of reach: what failed has to say what was to be seen.
  afterEach(async ({ task }) => {
    const [error] = task.result?.errors ?? [];
    if (error === undefined) return;
    for (const [name, screen] of Object.entries({ alice: opened.alice, bob: opened.bob })) {
      const seen = `\n${name} saw: ${await whatIsSeen(screen)}`;
      error.message += seen;
      error.stack = `${error.stack ?? ""}${seen}`;
    }
  });

  afterAll(async () => {
    await opened.browser?.close();
    await Promise.all([opened.here?.stop(), opened.there?.stop()]);
    await network?.close();
  }, 180_000);

  return opened;
}

/** Alice registers here, and Bob there; both put off what their first sign-in offers. */
export async function bothRegister(on: TwoScreens): Promise<void> {
  await Promise.all([
    chat.register(on.alice.page, {
      baseUrl: on.here.baseUrl,
      username: "alice",
      password: "Alice-Secret-1",
    }),
    chat.register(on.bob.page, {
      baseUrl: on.there.baseUrl,
      username: "bob",
      password: "Bob-Secret-12",
    }),
  ]);
  await Promise.all([on.alice, on.bob].map(({ page }) => putOff(page)));
}

/** What a page tells those who cannot see it, and its errors. */
async function whatIsSeen({ page, errors }: Screen): Promise<string> {
  const text = await page
    .locator("body")
    .ariaSnapshot({ timeout: 5_000 })
    .catch(() => "(the page does not answer)");
  return [text.slice(0, 3_000), ...errors].join("\n");
}
