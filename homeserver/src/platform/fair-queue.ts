/**
 * A queue of tasks by key: a limited number of each key runs at once, and waiting keys take turns.
 */
export interface FairQueue<K> {
  /**
   * Runs the task when it is the key's turn. Throws QueueFull when too many tasks of the key wait
   * already.
   */
  run<T>(key: K, task: () => Promise<T>): Promise<T>;
  readonly running: number;
  readonly waiting: number;
}

export interface FairQueueOptions {
  /** Tasks of one key at once. */
  readonly perKey: number;
  /** Tasks of all keys at once. */
  readonly total: number;
  /** Tasks of one key that wait. */
  readonly maxWaiting: number;
}

/** Too many tasks of the key wait already. */
export class QueueFull extends Error {
  override name = "QueueFull";
}

interface KeyedTasks {
  running: number;
  readonly waiting: (() => void)[];
}

export function createFairQueue<K>({ perKey, total, maxWaiting }: FairQueueOptions): FairQueue<K> {
  /** Keys with tasks; the one served longest ago comes first. */
  const byKey = new Map<K, KeyedTasks>();
  let running = 0;
  let waiting = 0;

  function tasksOf(key: K): KeyedTasks {
    let own = byKey.get(key);
    if (own === undefined) byKey.set(key, (own = { running: 0, waiting: [] }));
    return own;
  }

  function enter(key: K, own: KeyedTasks): void {
    running += 1;
    own.running += 1;
    byKey.delete(key);
    byKey.set(key, own);
  }

  function leave(key: K, own: KeyedTasks): void {
    running -= 1;
    own.running -= 1;
    if (own.running === 0 && own.waiting.length === 0) byKey.delete(key);
    admit();
  }

  function admit(): void {
    for (const [key, own] of byKey) {
      if (running >= total) return;
      if (own.running >= perKey) continue;
      const next = own.waiting.shift();
      if (next === undefined) continue;
      waiting -= 1;
      enter(key, own);
      next();
    }
  }

  return {
    async run(key, task) {
      const own = tasksOf(key);
      if (own.running < perKey && running < total) {
        enter(key, own);
      } else {
        if (own.waiting.length >= maxWaiting) throw new QueueFull("too much of this kind waits");
        waiting += 1;
        await new Promise<void>((resolve) => own.waiting.push(resolve));
      }
      try {
        return await task();
      } finally {
        leave(key, own);
      }
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
  };
}
