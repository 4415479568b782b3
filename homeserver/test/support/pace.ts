/** How fast load comes, what a made-up commit takes, and when something is killed: no test waits for anything by these. */
import { setTimeout as delay } from "node:timers/promises";

/** A pause of so many ms. */
export const pause = (ms: number): Promise<void> => delay(ms);

/** Some moment that is so many ms away, or less. */
export const someMoment = (from: number, to: number): Promise<void> =>
  delay(from + Math.random() * (to - from));
