import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Lets other work run between the steps of long work, even when each step finds everything in
 * memory.
 */
export interface Yielder {
  /** Resolves at once, or after other work had a chance when this work has run for too long. */
  pauseIfDue(): Promise<void> | undefined;
}

/** `ms`: how long the work continues without a pause, by the clock `now`. */
export function createYielder(ms: number, now: () => number = () => performance.now()): Yielder {
  let since = now();

  async function pause(): Promise<void> {
    await nextTurn();
    since = now();
  }

  return { pauseIfDue: () => (now() - since < ms ? undefined : pause()) };
}
