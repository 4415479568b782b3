import type { Use } from "../targets/meter.ts";
import { type Cost, type CpuProfile, analyse } from "./cpu-profile.ts";

const TOP = 25;

/** The tables that say where the main thread's time went, as text. `units`: operations in that time. */
export function profileText(title: string, profile: CpuProfile, units: number, use: Use): string {
  const main = use.threads.find(({ name }) => name === "main")?.cpu;
  const { busy, self, inclusive, blamed, places, lines } = analyse(profile, main);
  const table = (heading: string, costs: readonly Cost[], count: number) =>
    [`\n${heading}\n    busy %     µs/op`, ...costs.slice(0, count).map(row)].join("\n");
  const row = ({ name, micros }: Cost) =>
    `${percent(micros / busy).padStart(10)}${(micros / Math.max(1, units)).toFixed(1).padStart(10)}  ${name}`;
  const threads = use.threads.map(({ name, cpu }) => `${name} ${percent(cpu / 1e6 / use.seconds)}`);
  return [
    `\n── ${title}: main thread ${percent(busy / 1e6 / use.seconds)} of ${use.seconds.toFixed(1)} s on the CPU, ` +
      `${(busy / Math.max(1, units)).toFixed(1)} µs/op over ${units} operations`,
    `   threads: ${threads.join(", ")}; database ${percent(use.database / 1e6 / use.seconds)} of a core`,
    table("By place", places, TOP),
    table("By function, itself", self, TOP),
    table("By own function, with libraries and built-ins that it calls", blamed, TOP),
    table("By own function, with all that it calls at once", inclusive, TOP),
    table("By own line", lines, TOP),
  ].join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
