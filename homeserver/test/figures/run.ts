import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import { launchBrowser } from "../peers/support/browser.ts";
import { createNetwork } from "../peers/support/network.ts";
import { startWeft } from "../peers/support/process.ts";
import { archive } from "./archive.ts";
import { conversation } from "./conversation.ts";
import type { Bench, Measure } from "./figure.ts";
import { firstScript, signIn } from "./first.ts";
import { lists } from "./lists.ts";
import { scrolling } from "./scrolling.ts";

export const MEASURES: Readonly<Record<string, Measure>> = {
  script: firstScript,
  "sign-in": signIn,
  lists,
  scrolling,
  archive,
  conversation,
};

/** What is measured, and what ends it. */
export async function openBench(isQuick: boolean): Promise<Bench & { close(): Promise<void> }> {
  await ensureWebClient();
  const network = await createNetwork();
  const weft = await startWeft(network, { name: "here" });
  const browser = await launchBrowser();
  return {
    network,
    weft,
    browser,
    isQuick,
    async close() {
      await browser.close();
      await weft.stop();
      await network.close();
    },
  };
}
