import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets others run between the steps of long work, also where every step finds all it needs in memory. */
export interface Turns {
  /** Resolves at once, or after everybody else had a turn when this work has taken too long. */
  take(): Promise<void> | undefined;
}

/** `ms`: so long the work goes on without a pause. */
export function createTurns(ms: number): Turns {
  let since = performance.now();

  async function pause(): Promise<void> {
    await nextTurn();
    since = performance.now();
  }

  return { take: () => (performance.now() - since < ms ? undefined : pause()) };
}
