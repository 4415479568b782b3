/** Time as an argument, so that tests need not wait. */
export interface Clock {
  /** Wall-clock time, ms since 1970, an integer. */
  now(): number;
  /** Ms that only ever go forward: for durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal aborts: it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
};

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves time forward and wakes the sleepers that are due, in order. */
  advance(ms: number): void;
  /** How many are asleep. */
  readonly sleepers: number;
}

export function createManualClock(start = 1_700_000_000_000): ManualClock {
  let time = start;
  let sleepers: { due: number; wake: () => void }[] = [];
  return {
    now: () => time,
    monotonic: () => time - start,
    sleep(ms, signal) {
      if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = { due: time + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          resolve();
        });
      });
    },
    advance(ms) {
      time += ms;
      const due = sleepers.filter((sleeper) => sleeper.due <= time);
      sleepers = sleepers.filter((sleeper) => sleeper.due > time);
      due.sort((a, b) => a.due - b.due);
      for (const sleeper of due) sleeper.wake();
    },
    get sleepers() {
      return sleepers.length;
    },
  };
}

/**
 * Resolves after `ms`, or at once when the signal aborts: it never rejects. A pending sleep doesn't
 * keep the process alive.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal?.addEventListener("abort", done, { once: true });
  });
}
