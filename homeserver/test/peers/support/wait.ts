import { setTimeout as delay } from "node:timers/promises";

/** Waits until `check` answers something true, and answers it; `what` is named where it never does. */
export async function eventually<T>(
  what: string | (() => string),
  check: () => T | Promise<T>,
  { within = 60_000, every = 50 }: { within?: number; every?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > deadline) {
      throw new Error(`not within ${within / 1000} s: ${typeof what === "string" ? what : what()}`);
    }
    await delay(every);
  }
}
