import type { Result } from "../workloads/workload.ts";
import { ceilingOf, cpuOf, mainThreadOf, megabytes, percent, plain, rateOf } from "./figures.ts";

const HEAD = [
  "workload",
  "target",
  "rate",
  "ceiling",
  "p50 ms",
  "p95",
  "p99",
  "CPU µs/op: server",
  "database",
  "driver",
  "main thread",
  "errors",
  "check",
  "steal, others",
];

/** The results as a Markdown table. */
export function markdownTable(results: readonly Result[]): string {
  const rows = [HEAD, HEAD.map(() => "---"), ...results.map(cells)];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function cells(result: Result): string[] {
  const { workload, target, cell, latencies, use, note } = result;
  const details = [cell, note].filter((text) => text !== "").join("; ");
  return [
    details === "" ? workload : `${workload} (${details})`,
    target,
    headline(result),
    plain(ceilingOf(result)),
    plain(latencies?.p50),
    plain(latencies?.p95),
    plain(latencies?.p99),
    plain(cpuOf(result, "server")),
    plain(cpuOf(result, "database")),
    plain(cpuOf(result, "driver")),
    percent(mainThreadOf(result)),
    result.errors === 0 ? "0" : `${result.errors}: ${clean(result.firstError ?? "")}`,
    clean(result.wrong ?? "ok"),
    use ? `${percent(use.steal)}, ${percent(use.others)}` : "–",
  ];
}

function headline(result: Result): string {
  const { memory, unit } = result;
  if (!memory) return `${plain(rateOf(result))} ${unit}s/s`.replace("deliverys", "deliveries");
  const { server, database } = memory;
  const together = server.pss + database.pss;
  const resident = server.rss + database.rss;
  return (
    `${megabytes(together)} PSS (${megabytes(server.pss)} + ${megabytes(database.pss)}), ` +
    `${megabytes(resident)} RSS`
  );
}

function clean(text: string): string {
  return text.replaceAll(/[|\n]/g, " ").slice(0, 160);
}
