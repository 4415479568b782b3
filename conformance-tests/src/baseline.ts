import { readFile, writeFile } from "node:fs/promises";
import type { Result } from "./results.ts";

/** "passed" or "failed" by test, as "clause: name", in order. What Weft does is on record. */
export type Baseline = Record<string, Result["state"]>;

const FILE = new URL("../baseline.json", import.meta.url);

export function baselineOf(results: readonly Result[]): Baseline {
  const entries = results.map(({ clause, name, state }) => [`${clause}: ${name}`, state] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export async function readBaseline(): Promise<Baseline> {
  try {
    return JSON.parse(await readFile(FILE, "utf8")) as Baseline;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

export async function writeBaseline(baseline: Baseline): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(baseline, null, 2)}\n`);
}

/** What is different now, a line each. A part of the tests says nothing of those that did not run. */
export function news(before: Baseline, now: Baseline, isWhole: boolean): string[] {
  const lines: string[] = [];
  for (const [test, state] of Object.entries(now)) {
    const was = before[test];
    if (was === undefined) lines.push(`new, ${state}: ${test}`);
    else if (was !== state) lines.push(`${state} now: ${test}`);
  }
  if (!isWhole) return lines;
  const gone = Object.keys(before).filter((test) => now[test] === undefined);
  return [...lines, ...gone.map((test) => `gone: ${test}`)];
}
