/** Limits concurrency; others wait in order. */
export interface Semaphore {
  /**
   * Waits for a place. Returns the function that gives it back, or undefined when too many wait
   * already.
   */
  acquire(): Promise<(() => void) | undefined>;
  /** How many hold a place, and how many wait. */
  readonly running: number;
  readonly waiting: number;
}

export function createSemaphore(places: number, maxWaiting = Infinity): Semaphore {
  const queue: (() => void)[] = [];
  let running = 0;

  function leave(): void {
    const next = queue.shift();
    // The place goes straight to the next in line.
    if (next === undefined) running -= 1;
    else next();
  }

  function releaseOnce(): () => void {
    let held = true;
    return () => {
      if (held) leave();
      held = false;
    };
  }

  return {
    async acquire() {
      if (running < places) {
        running += 1;
      } else {
        if (queue.length >= maxWaiting) return undefined;
        await new Promise<void>((resolve) => queue.push(resolve));
      }
      return releaseOnce();
    },
    get running() {
      return running;
    },
    get waiting() {
      return queue.length;
    },
  };
}
