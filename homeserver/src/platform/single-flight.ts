/** Requests for the same key that meet share one answer. */
export interface SingleFlight<K, V> {
  /** Starts `load`, or joins the one that is under way for the key. Errors are shared too, and not kept. */
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
