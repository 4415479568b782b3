/**
 * Measures the web client in headless Chromium against servers on loopback: `npm run bench:client [-- --quick] [-- NAME…]`.
 * It prints a table with the goal beside each figure. How long an idle page had to wait at the same time stands beside the longest
 * task, and beside the frames of scrolling those of a plain page: so much is the machine's.
 */
import type { Figure } from "./figure.ts";
import { MEASURES, openBench } from "./run.ts";

const wanted = process.argv.slice(2).filter((name) => !name.startsWith("--"));
const unknown = wanted.find((name) => !(name in MEASURES));
if (unknown !== undefined) {
  console.error(`No measure is called ${unknown}. There are: ${Object.keys(MEASURES).join(", ")}.`);
  process.exit(2);
}

const bench = await openBench(process.argv.includes("--quick"));
try {
  console.log("| what | measured | goal | |\n| --- | --- | --- | --- |");
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const figure of await measure(bench)) console.log(row(figure));
  }
} finally {
  await bench.close();
}

function row({ what, value, goal, unit, note = "" }: Figure): string {
  const isMet = value < goal ? "" : "**missed** ";
  const digits = value < 10 && !Number.isInteger(value) ? 2 : 0;
  return `| ${what} | ${value.toFixed(digits)} ${unit} | ${goal} ${unit} | ${isMet}${note} |`;
}
