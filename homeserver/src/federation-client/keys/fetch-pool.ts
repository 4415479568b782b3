/** A pool for requests to servers that may never answer, or not exist at all. */
export interface FetchPool {
  /**
   * Runs a task when there is a place for it. Undefined when too many wait already. `task` must end
   * when its signal aborts: later ones need the place. Tasks with different reasons (`about`) take
   * turns, so that a reason with many tasks does not hold up the others.
   */
  run<T>(task: (signal: AbortSignal) => Promise<T>, about?: string): Promise<T | undefined>;
  /** Tasks that were not answered quickly and continue. */
  readonly slow: number;
  readonly waiting: number;
}

export interface FetchPoolOptions {
  /** Limit on concurrent tasks in their quick phase. */
  readonly quick: number;
  /** The length of the quick phase, ms. */
  readonly quickMs: number;
  /**
   * Limit on tasks beyond it. For a further one, the oldest task of the reason with the most tasks
   * is aborted.
   */
  readonly slow: number;
  /** Limit on waiting tasks of one reason. */
  readonly maxWaiting: number;
}

/**
 * Servers that answer quickly are served at once, however many silent ones are being asked: after
 * its quick phase a task no longer occupies a place of the quick ones.
 */
export function createFetchPool(options: FetchPoolOptions): FetchPool {
  /** By reason; the one served longest ago comes first. */
  const queues = new Map<string, (() => void)[]>();
  const slow = new Map<AbortController, string>();
  let quick = 0;
  let waiting = 0;

  function leaveQuick(): void {
    const [first] = queues;
    if (first === undefined) {
      quick -= 1;
      return;
    }
    const [about, queue] = first;
    const next = queue.shift()!;
    queues.delete(about);
    if (queue.length > 0) queues.set(about, queue);
    waiting -= 1;
    // The place goes straight to the next in line.
    next();
  }

  function wait(about: string): Promise<void> {
    const queue = queues.get(about) ?? [];
    queues.set(about, queue);
    waiting += 1;
    return new Promise<void>((resolve) => queue.push(resolve));
  }

  function becomeSlow(question: AbortController, about: string): void {
    slow.set(question, about);
    if (slow.size > options.slow) {
      const oldest = oldestOfMost();
      slow.delete(oldest);
      oldest.abort(new Error("others have to be asked"));
    }
    leaveQuick();
  }

  function oldestOfMost(): AbortController {
    const counts = new Map<string, number>();
    for (const about of slow.values()) counts.set(about, (counts.get(about) ?? 0) + 1);
    const max = Math.max(...counts.values());
    return [...slow].find(([, about]) => counts.get(about) === max)![0];
  }

  return {
    async run(task, about = "") {
      if (quick < options.quick) quick += 1;
      else if ((queues.get(about)?.length ?? 0) >= options.maxWaiting) return undefined;
      else await wait(about);
      const question = new AbortController();
      let isQuick = true;
      const moment = setTimeout(() => {
        isQuick = false;
        becomeSlow(question, about);
      }, options.quickMs);
      try {
        return await task(question.signal);
      } finally {
        clearTimeout(moment);
        if (isQuick) leaveQuick();
        else slow.delete(question);
      }
    },
    get slow() {
      return slow.size;
    },
    get waiting() {
      return waiting;
    },
  };
}
