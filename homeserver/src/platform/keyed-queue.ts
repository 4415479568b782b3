/**
 * A mutex per key: tasks of one key run one after another in the order given; different keys run
 * concurrently.
 */
export interface KeyedQueue<K> {
  run<T>(key: K, task: () => Promise<T>): Promise<T>;
  /** How many tasks of the key run or wait. */
  depth(key: K): number;
  /** Keys that have a task. */
  readonly size: number;
}

export function createKeyedQueue<K>(): KeyedQueue<K> {
  const queues = new Map<K, { last: Promise<unknown>; depth: number }>();
  return {
    async run(key, task) {
      const queue = queues.get(key) ?? { last: Promise.resolve(), depth: 0 };
      queues.set(key, queue);
      queue.depth += 1;
      const turn = queue.last.then(task);
      queue.last = turn.catch(() => {});
      try {
        return await turn;
      } finally {
        queue.depth -= 1;
        if (queue.depth === 0) queues.delete(key);
      }
    },
    depth: (key) => queues.get(key)?.depth ?? 0,
    get size() {
      return queues.size;
    },
  };
}
