import { availableParallelism } from "node:os";
import type { Result } from "../workloads/workload.ts";

/** Units a second. */
export function rateOf({ units, seconds }: Result): number {
  return units / seconds;
}

/** Microseconds of CPU for one unit; undefined when no process is known. */
export function cpuOf(result: Result, part: "server" | "database" | "driver"): number | undefined {
  const { use, units } = result;
  if (!use || units === 0 || (part !== "driver" && use.server === 0)) return undefined;
  return use[part] / units;
}

/** Share of the window in which the server's main thread had the CPU. */
export function mainThreadOf({ use }: Result): number | undefined {
  const main = use?.threads.find(({ name }) => name === "main");
  return use && main ? main.cpu / 1e6 / use.seconds : undefined;
}

/**
 * Units a second that the CPU costs would allow on this machine if nobody else used it: the main thread alone, or
 * server, database and driver together, whichever ends first.
 */
export function ceilingOf(result: Result): number | undefined {
  const { use, units } = result;
  const main = use?.threads.find(({ name }) => name === "main");
  if (!use || !main || units === 0 || result.memory) return undefined;
  const together = (use.server + use.database + use.driver) / availableParallelism();
  return (units * 1e6) / Math.max(main.cpu, together);
}

/** Three significant digits, thousands apart. */
export function plain(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

export function percent(share: number | undefined): string {
  return share === undefined ? "–" : `${Math.round(share * 100)} %`;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
