/** Waits of tests. Each has a bound, and says what it waited for when that is over. */
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";

const WITHIN_MS = 60_000;

/** Milliseconds. `every` 0: as soon as the process has nothing else to do. */
export interface Patience {
  readonly within?: number;
  readonly every?: number;
}

/** Waits until `check` answers something true, and answers it; `what` is named where it never does. */
export async function eventually<T>(
  what: string | (() => string),
  check: () => T | Promise<T>,
  { within = WITHIN_MS, every = 20 }: Patience = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + within;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (performance.now() > deadline) {
      throw new Error(`not within ${within / 1000} s: ${typeof what === "string" ? what : what()}`);
    }
    await (every === 0 ? turn() : delay(every));
  }
}

/** Waits until a condition holds whose text says enough. */
export async function until(holds: () => boolean | Promise<boolean>, how?: Patience) {
  await eventually(holds.toString(), holds, how);
}

/** Waits for what a promise answers, no longer than `within` ms. */
export async function inTime<T>(what: string, promise: Promise<T>, within = WITHIN_MS): Promise<T> {
  const stop = new AbortController();
  const late = delay(within, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`not within ${within / 1000} s: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    stop.abort();
  }
}

/** Lets go on whatever can without a timer or the network. */
export const nextTurn = (): Promise<void> => turn();
