/** Questions to servers that may be silent, or not exist at all. */
export interface FetchPool {
  /**
   * Runs a question when there is a place for it. Undefined when too many wait already. `task` ends when its signal aborts:
   * later ones need the place. Questions for different reasons (`about`) take turns, so that one that brings many of them
   * does not hold up the others.
   */
  run<T>(task: (signal: AbortSignal) => Promise<T>, about?: string): Promise<T | undefined>;
  /** Questions that have not been answered quickly and go on. */
  readonly slow: number;
  readonly waiting: number;
}

export interface FetchPoolOptions {
  /** Questions at once that have begun a moment ago. */
  readonly quick: number;
  /** That moment, ms. */
  readonly quickMs: number;
  /** Questions beyond it; of the reason that has the most of them, the oldest gives way to a further one. */
  readonly slow: number;
  /** Of one reason. */
  readonly maxWaiting: number;
}

/**
 * Whoever answers within a moment is served at once, however many silent ones are being asked: after that moment a question
 * no longer holds up others, and goes on beside them.
 */
export function createFetchPool(options: FetchPoolOptions): FetchPool {
  /** By reason; the one whose turn was longest ago comes first. */
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
    const most = Math.max(...counts.values());
    return [...slow].find(([, about]) => counts.get(about) === most)![0];
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
