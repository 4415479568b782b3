/** Work sorted by key: each key has a bounded part of the places, and keys that wait take turns. */
export interface Lanes<K> {
  /** Runs the task when it's the key's turn. Throws LaneFull when too many of the key wait already. */
  run<T>(key: K, task: () => Promise<T>): Promise<T>;
  readonly running: number;
  readonly waiting: number;
}

export interface LanesOptions {
  /** Tasks of one key at once. */
  readonly perKey: number;
  /** Tasks of all keys at once. */
  readonly total: number;
  /** Tasks of one key that wait. */
  readonly maxWaiting: number;
}

/** Too many tasks of the key wait already. */
export class LaneFull extends Error {
  override name = "LaneFull";
}

interface Lane {
  running: number;
  readonly queue: (() => void)[];
}

export function createLanes<K>({ perKey, total, maxWaiting }: LanesOptions): Lanes<K> {
  /** Keys with tasks; the one whose turn was longest ago comes first. */
  const lanes = new Map<K, Lane>();
  let running = 0;
  let waiting = 0;

  function laneOf(key: K): Lane {
    let lane = lanes.get(key);
    if (lane === undefined) lanes.set(key, (lane = { running: 0, queue: [] }));
    return lane;
  }

  function enter(key: K, lane: Lane): void {
    running += 1;
    lane.running += 1;
    lanes.delete(key);
    lanes.set(key, lane);
  }

  function leave(key: K, lane: Lane): void {
    running -= 1;
    lane.running -= 1;
    if (lane.running === 0 && lane.queue.length === 0) lanes.delete(key);
    admit();
  }

  function admit(): void {
    for (const [key, lane] of lanes) {
      if (running >= total) return;
      if (lane.running >= perKey) continue;
      const next = lane.queue.shift();
      if (next === undefined) continue;
      waiting -= 1;
      enter(key, lane);
      next();
    }
  }

  return {
    async run(key, task) {
      const lane = laneOf(key);
      if (lane.running < perKey && running < total) {
        enter(key, lane);
      } else {
        if (lane.queue.length >= maxWaiting) throw new LaneFull("too much of this kind waits");
        waiting += 1;
        await new Promise<void>((resolve) => lane.queue.push(resolve));
      }
      try {
        return await task();
      } finally {
        leave(key, lane);
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
