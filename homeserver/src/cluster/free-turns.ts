import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";

/**
 * Write turns of a replica without Redis: it writes for a while, then pauses so that others can.
 */
export interface FreeTurn {
  /** Begins or continues a turn. */
  take(): void;
  /** The turn has lasted its share of time. */
  readonly isOver: boolean;
  /** Pauses for the others. */
  pass(): Promise<void>;
  /** Pauses after a lost race against another writer; longer with each loss in a row. */
  yield(): Promise<void>;
}

/**
 * How long a replica writes, and the random range of its pause: two replicas must not keep in step.
 */
const SHARE_MS = 20;
const PAUSE_MS = { least: 10, max: 60 };
/** A replica that wrote nothing for this long has paused enough. */
const REST_MS = 50;
const MAX_PAUSE_MS = 250;

/**
 * Without Redis nobody hands out turns. When two replicas write at once, the database lets one
 * through, and the other tries again after a pause.
 */
export function createFreeTurn(clock: Clock, random: Random): FreeTurn {
  let since = 0;
  let last = -Infinity;
  let losses = 0;

  const pause = (least: number, max: number) => {
    return clock.sleep(least + random.integer(Math.max(1, Math.ceil(max - least))));
  };

  return {
    take() {
      const now = clock.monotonic();
      if (now - last > REST_MS) since = now;
      last = now;
    },
    get isOver() {
      const now = clock.monotonic();
      return now - last <= REST_MS && now - since > SHARE_MS;
    },
    async pass() {
      losses = 0;
      await pause(PAUSE_MS.least, PAUSE_MS.max);
      last = -Infinity;
    },
    async yield() {
      losses += 1;
      await pause(0, Math.min(5 * 2 ** losses, MAX_PAUSE_MS));
    },
  };
}
