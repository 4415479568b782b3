import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";

/** Turns of a replica that hears nothing of the others: it writes for a while, and then leaves them room. */
export interface FreeTurn {
  /** Begins a turn, or goes on with it. */
  take(): void;
  /** It has had its share. */
  readonly isOver: boolean;
  /** Leaves room for others. */
  pass(): Promise<void>;
  /** The same after having lost against another writer: the longer, the more often in a row. */
  yield(): Promise<void>;
}

/** So long a replica writes, and so long, by chance, it pauses then: two replicas must not keep step. */
const SHARE_MS = 20;
const PAUSE_MS = { least: 10, most: 60 };
/** Who has written nothing for so long has left the others room. */
const REST_MS = 50;
const MAX_PAUSE_MS = 250;

/**
 * Without Redis nobody is given the turn. Where two replicas write at once the database lets one through, and the
 * other tries again after a pause.
 */
export function createFreeTurn(clock: Clock, random: Random): FreeTurn {
  let since = 0;
  let last = -Infinity;
  let losses = 0;

  const pause = (least: number, most: number) => {
    return clock.sleep(least + random.integer(Math.max(1, Math.ceil(most - least))));
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
      await pause(PAUSE_MS.least, PAUSE_MS.most);
      last = -Infinity;
    },
    async yield() {
      losses += 1;
      await pause(0, Math.min(5 * 2 ** losses, MAX_PAUSE_MS));
    },
  };
}
