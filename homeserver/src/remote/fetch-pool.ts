/** Questions to servers that may be silent, or not exist at all. */
export interface FetchPool {
  /**
   * Runs a question when there is a place for it. Undefined when too many wait already. `task` ends when its signal aborts:
   * later ones need the place.
   */
  run<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>;
  /** Questions that have not been answered quickly and go on. */
  readonly slow: number;
  readonly waiting: number;
}

export interface FetchPoolOptions {
  /** Questions at once that have begun a moment ago. */
  readonly quick: number;
  /** That moment, ms. */
  readonly quickMs: number;
  /** Questions beyond it; the oldest gives way to a further one. */
  readonly slow: number;
  readonly maxWaiting: number;
}

/**
 * Whoever answers within a moment is served at once, however many silent ones are being asked: after that moment a question
 * no longer holds up others, and goes on beside them.
 */
export function createFetchPool(options: FetchPoolOptions): FetchPool {
  const queue: (() => void)[] = [];
  const slow = new Set<AbortController>();
  let quick = 0;

  function leaveQuick(): void {
    const next = queue.shift();
    // The place goes straight to the next in line.
    if (next) next();
    else quick -= 1;
  }

  function becomeSlow(question: AbortController): void {
    slow.add(question);
    if (slow.size > options.slow) {
      const [oldest] = slow;
      slow.delete(oldest!);
      oldest!.abort(new Error("others have to be asked"));
    }
    leaveQuick();
  }

  return {
    async run(task) {
      if (quick < options.quick) quick += 1;
      else if (queue.length >= options.maxWaiting) return undefined;
      else await new Promise<void>((resolve) => queue.push(resolve));
      const question = new AbortController();
      let isQuick = true;
      const moment = setTimeout(() => {
        isQuick = false;
        becomeSlow(question);
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
      return queue.length;
    },
  };
}
