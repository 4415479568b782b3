/** Runs work one after another, whatever became of the work before. */
export function createQueue() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}

/** The same for each key by itself: work under one key does not wait for that under another. */
export function createQueues() {
  const queues = new Map<string, ReturnType<typeof createQueue>>();
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const queue = queues.get(key) ?? createQueue();
    queues.set(key, queue);
    return queue(work);
  };
}
