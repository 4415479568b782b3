/**
 * Measures the web client in headless Chromium against servers on loopback: `npm run bench:client [-- --quick] [-- NAME…]`.
 * It prints a table with the goal beside each figure. How long an idle page had to wait at the same time stands beside the longest
 * task: so much is the machine's.
 */
import { ensureWebClient } from "../../../scripts/lib/web-client.mjs";
import { launchBrowser } from "../peers/support/browser.ts";
import { createNetwork } from "../peers/support/network.ts";
import { startWeft } from "../peers/support/process.ts";
import { conversation } from "./conversation.ts";
import type { Bench, Figure, Measure } from "./figure.ts";
import { firstScript, signIn } from "./first.ts";

const MEASURES: Readonly<Record<string, Measure>> = {
  script: firstScript,
  "sign-in": signIn,
  conversation,
};

const wanted = process.argv.slice(2).filter((name) => !name.startsWith("--"));
const isQuick = process.argv.includes("--quick");
const unknown = wanted.find((name) => !(name in MEASURES));
if (unknown !== undefined) {
  console.error(`No measure is called ${unknown}. There are: ${Object.keys(MEASURES).join(", ")}.`);
  process.exit(2);
}

await ensureWebClient();
const network = await createNetwork();
const weft = await startWeft(network, { name: "here" });
const browser = await launchBrowser();
try {
  const bench: Bench = { network, weft, browser, isQuick };
  console.log("| what | measured | goal | |\n| --- | --- | --- | --- |");
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const figure of await measure(bench)) console.log(row(figure));
  }
} finally {
  await browser.close();
  await weft.stop();
  await network.close();
}

function row({ what, value, goal, unit, note = "" }: Figure): string {
  const isMet = value < goal ? "" : "**missed** ";
  const digits = value < 10 && !Number.isInteger(value) ? 2 : 0;
  return `| ${what} | ${value.toFixed(digits)} ${unit} | ${goal} ${unit} | ${isMet}${note} |`;
}
