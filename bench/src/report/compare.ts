import type { Result } from "../workloads/workload.ts";
import { cpuOf, plain, rateOf } from "./figures.ts";

/** One pass over a pair: the same workload on both, right after one another. */
export interface Pair {
  readonly a: Result;
  readonly b: Result;
}

const MEASURES: readonly { name: string; of(result: Result): number | undefined }[] = [
  { name: "rate", of: (result) => (result.memory ? undefined : rateOf(result)) },
  { name: "p50", of: (result) => result.latencies?.p50 },
  { name: "p99", of: (result) => result.latencies?.p99 },
  { name: "server CPU/op", of: (result) => (result.memory ? undefined : cpuOf(result, "server")) },
  {
    name: "server + database CPU/op",
    of: (result) => {
      const server = result.memory ? undefined : cpuOf(result, "server");
      return server === undefined ? undefined : server + (cpuOf(result, "database") ?? 0);
    },
  },
  {
    name: "memory (PSS)",
    of: ({ memory }) => (memory ? memory.server.pss + memory.database.pss : undefined),
  },
];

/** Ratios a : b of every measure, as the median with the least and the most, in Markdown. */
export function ratioTable(pairs: readonly Pair[], a: string, b: string): string {
  const cells = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const key = `${pair.a.workload} (${pair.a.cell})`;
    cells.set(key, [...(cells.get(key) ?? []), pair]);
  }
  const head = ["workload", ...MEASURES.map(({ name }) => `${name}, ${a} : ${b}`)];
  const rows = [...cells].map(([name, some]) => [
    name,
    ...MEASURES.map(({ of }) => ratio(some, of)),
  ]);
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function ratio(pairs: readonly Pair[], of: (result: Result) => number | undefined): string {
  const ratios = pairs
    .flatMap(({ a, b }) => {
      const [first, second] = [of(a), of(b)];
      return first === undefined || second === undefined || second === 0 ? [] : [first / second];
    })
    .toSorted((x, y) => x - y);
  if (ratios.length === 0) return "–";
  const middle = (ratios[(ratios.length - 1) >> 1]! + ratios[ratios.length >> 1]!) / 2;
  return `${plain(middle)} (${plain(ratios[0])}–${plain(ratios.at(-1))})`;
}
