/** Concurrent requests for the same key share one result. */
export interface SingleFlight<K, V> {
  /** Starts `load`, or joins the running one for the key. Errors are shared too, and not cached. */
  run(key: K, load: () => Promise<V>): Promise<V>;
  readonly size: number;
}

export function createSingleFlight<K, V>(): SingleFlight<K, V> {
  const flights = new Map<K, Promise<V>>();
  return {
    run(key, load) {
      const known = flights.get(key);
      if (known !== undefined) return known;
      const flight = (async () => {
        try {
          return await load();
        } finally {
          flights.delete(key);
        }
      })();
      flights.set(key, flight);
      return flight;
    },
    get size() {
      return flights.size;
    },
  };
}

/**
 * A shared task where each caller needs a run that begins after the call: calls during a run share
 * the next one. Errors are shared, too.
 */
export function createNextRun(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function start(): Promise<void> {
    const run = task().finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  }

  return () => {
    if (running === undefined) return start();
    const after = () => {
      next = undefined;
      return start();
    };
    next ??= running.then(after, after);
    return next;
  };
}
