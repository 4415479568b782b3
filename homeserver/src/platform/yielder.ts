import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets others run between the steps of long work, also where every step finds all it needs in memory. */
export interface Turns {
  /** Resolves at once, or after everybody else had a turn when this work has taken too long. */
  take(): Promise<void> | undefined;
}

/** `ms`: so long the work goes on without a pause, by the clock `now`. */
export function createTurns(ms: number, now: () => number = () => performance.now()): Turns {
  let since = now();

  async function pause(): Promise<void> {
    await nextTurn();
    since = now();
  }

  return { take: () => (now() - since < ms ? undefined : pause()) };
}
