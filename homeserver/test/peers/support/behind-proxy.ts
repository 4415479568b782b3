import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { ensureWebClient } from "../../../../scripts/lib/web-client.mjs";
import { launchBrowser, openScreen, type Screen } from "./browser.ts";
import { createNetwork, type Network } from "./network.ts";
import { startWeft, type WeftProcess } from "./process.ts";

/** A server, a proxy of the test's in front of it, and a browser for each of two people. */
export interface BehindProxy<Proxy> {
  readonly weft: WeftProcess;
  readonly proxy: Proxy;
  readonly alice: Screen;
  readonly bob: Screen;
}

/** Opens them before the tests of the block that calls this, hands them to `take`, and closes them afterwards. */
export function openBehindProxy<Proxy extends { close(): Promise<void> }>(
  openProxy: (baseUrl: string) => Promise<Proxy>,
  take: (opened: BehindProxy<Proxy>) => void,
): void {
  let network: Network | undefined;
  let weft: WeftProcess | undefined;
  let proxy: Proxy | undefined;
  let browser: Browser | undefined;

  beforeAll(async () => {
    await ensureWebClient();
    network = await createNetwork();
    weft = await startWeft(network, { name: "here" });
    proxy = await openProxy(weft.baseUrl);
    browser = await launchBrowser();
    const alice = await openScreen(browser, { scheme: "light" });
    const bob = await openScreen(browser, { scheme: "dark" });
    take({ weft, proxy, alice, bob });
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
    await weft?.stop();
    await network?.close();
  }, 180_000);
}
