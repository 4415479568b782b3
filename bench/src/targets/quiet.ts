import { setTimeout as sleep } from "node:timers/promises";
import { machineUse } from "./processes.ts";

const LOOK_MS = 2_000;

/** Waits until the machine has been at most this busy for two seconds; false when it was not within `seconds`. */
export async function untilQuiet(mostBusy: number, seconds: number): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const before = machineUse();
    await sleep(LOOK_MS);
    const after = machineUse();
    const used = after.busy - before.busy + after.steal - before.steal;
    if (used / (after.all - before.all) <= mostBusy) return true;
  }
  return false;
}
