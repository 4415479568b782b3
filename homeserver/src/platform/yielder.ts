import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets others run between the steps of long work, also where every step finds all it needs in memory. */
export interface Yielder {
  /** Resolves at once, or after everybody else had a turn when this work has taken too long. */
  pauseIfDue(): Promise<void> | undefined;
}

/** `ms`: so long the work goes on without a pause, by the clock `now`. */
export function createYielder(ms: number, now: () => number = () => performance.now()): Yielder {
  let since = now();

  async function pause(): Promise<void> {
    await nextTurn();
    since = now();
  }

  return { pauseIfDue: () => (now() - since < ms ? undefined : pause()) };
}
