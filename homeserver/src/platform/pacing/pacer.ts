import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** Lets work begin piece by piece, so that other work gets its turn in between. */
export interface Pacer {
  /** Resolves when the next piece may begin, in the order of the calls. */
  turn(): Promise<void>;
}

/** Pieces that begin in one turn of the event loop, at most. */
const IN_A_TURN = 4;

/**
 * `gapMs`: the time between two pieces in the mean, at least. When the event loop is behind, a few
 * begin in each of its turns to make up for it.
 */
export function createPacer(gapMs: number, clock: Pick<Clock, "monotonic" | "sleep">): Pacer {
  let next: Promise<void> = Promise.resolve();
  /** When the next piece may begin. */
  let due = clock.monotonic();
  let waiting = 0;
  let inTurn = 0;

  async function pause(): Promise<void> {
    const wait = due - clock.monotonic();
    inTurn += 1;
    if (wait <= 0 && inTurn < IN_A_TURN) return;
    inTurn = 0;
    await (wait > 0 ? clock.sleep(wait) : nextTurn());
  }

  return {
    turn() {
      // What was not used while nothing waited is no credit.
      if (waiting === 0) due = Math.max(due, clock.monotonic());
      waiting += 1;
      const mine = next;
      next = mine.then(() => {
        waiting -= 1;
        due += gapMs;
        return pause();
      });
      return mine;
    },
  };
}
