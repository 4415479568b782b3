/**
 * Collects garbage when the server is idle: V8 collects the old generation only while something is
 * allocated, so an idle server could keep the garbage of great work for hours.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Clock, systemClock } from "./clock.ts";

/** What the process uses. */
export interface Usage {
  /** Milliseconds of CPU since the start, of all threads. */
  cpu(): number;
  /** Bytes of the old generation, garbage included. */
  heap(): number;
  /**
   * Collects all garbage and gives its pages back, at once: some 100 ms for 50 MB that are in use.
   */
  collect(): void;
}

const EVERY_MS = 10_000;
/** CPU usage, as a share of one core, below which the server counts as idle. */
const IDLE = 0.2;
/** Garbage that is worth a collection. */
const WORTH_BYTES = 48 * 1024 * 1024;
/** With a bigger heap a collection takes noticeably long. */
const MAX_BYTES = 512 * 1024 * 1024;

/** Checks every ten seconds, until the signal aborts. */
export async function collectWhenIdle(
  stop: AbortSignal,
  usage: Usage = processUsage(),
  clock: Clock = systemClock,
): Promise<void> {
  /** The least heap size known without garbage. */
  let floor = usage.heap();
  while (!stop.aborted) {
    const before = usage.cpu();
    await clock.sleep(EVERY_MS, stop);
    if (stop.aborted) return;
    const heap = usage.heap();
    floor = Math.min(floor, heap);
    const isIdle = usage.cpu() - before < IDLE * EVERY_MS;
    if (!isIdle || heap < floor + WORTH_BYTES || heap > MAX_BYTES) continue;
    usage.collect();
    floor = usage.heap();
  }
}

function processUsage(): Usage {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as (how: object) => void;
  return {
    cpu() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    heap() {
      const old = getHeapSpaceStatistics().filter(
        ({ space_name: name }) => !name.startsWith("new_"),
      );
      return old.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
    },
    // Other kinds of collection keep the pages for later.
    collect: () => collect({ type: "major", execution: "sync", flavor: "last-resort" }),
  };
}
