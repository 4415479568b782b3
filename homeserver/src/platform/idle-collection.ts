/**
 * Memory that great work has left is given back once nothing is going on: V8 collects the old generation only while
 * something is allocated in it, and a server at rest would keep that garbage for hours.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Clock, systemClock } from "./clock.ts";

/** What the process uses. */
export interface Usage {
  /** Milliseconds of CPU since the start, of all threads. */
  cpu(): number;
  /** Bytes of the heap, garbage included. */
  heap(): number;
  /** Collects all garbage, at once: some 50 ms for 100 MB that are in use. */
  collect(): void;
}

const EVERY_MS = 10_000;
/** Share of one core below which nothing is going on. */
const IDLE = 0.05;
/** Garbage that is worth a collection. */
const WORTH_BYTES = 48 * 1024 * 1024;

/** Looks every ten seconds, until the signal aborts. */
export async function collectWhenIdle(
  stop: AbortSignal,
  usage: Usage = processUsage(),
  clock: Clock = systemClock,
): Promise<void> {
  /** The least that the heap is known to hold without garbage. */
  let floor = usage.heap();
  while (!stop.aborted) {
    const before = usage.cpu();
    await clock.sleep(EVERY_MS, stop);
    if (stop.aborted) return;
    floor = Math.min(floor, usage.heap());
    const isIdle = usage.cpu() - before < IDLE * EVERY_MS;
    if (!isIdle || usage.heap() < floor + WORTH_BYTES) continue;
    usage.collect();
    floor = usage.heap();
  }
}

function processUsage(): Usage {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return {
    cpu() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    heap: () => process.memoryUsage().heapUsed,
    collect: () => collect(),
  };
}
