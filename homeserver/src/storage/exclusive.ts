import { createKeyedQueue } from "../platform/keyed-queue.ts";
import type { Sql } from "./sql.ts";

/** Locks for read-modify-write work that only one at a time may do, on any replica. */
export interface Exclusive {
  /**
   * Runs tasks of one key one after another. A task must not ask for another key: two could wait
   * for each other.
   * @throws what the task throws, or PostgreSQL when it cannot be asked, or not within 20 s
   */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Any constant will do, as long as every Weft uses the same. */
const LOCK_CLASS = 7_733_004;
const GIVE_UP_AFTER_MS = 20_000;

/**
 * Within this process only or, with `sql`, also between the replicas on its database: with an
 * advisory lock that ends with the transaction, however the process ends. `sql` is a client of its
 * own, since a task needs other connections while the lock is held; `close` closes it.
 */
export function createExclusive(sql?: Sql): Exclusive {
  const queue = createKeyedQueue<string>();

  async function locked<T>(client: Sql, key: string, task: () => Promise<T>): Promise<T> {
    let running: Promise<T> | undefined;
    try {
      await client.begin(async (tx) => {
        await tx.unsafe(`SET LOCAL lock_timeout = ${GIVE_UP_AFTER_MS}`);
        await tx`SELECT pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(${key}))`;
        running = task();
        await running;
      });
    } catch (error) {
      // If the task has begun, it continues without the lock when its connection is lost.
      if (running === undefined) throw error;
    }
    return running!;
  }

  return {
    run: (key, task) => queue.run(key, sql === undefined ? task : () => locked(sql, key, task)),
    async close() {
      await sql?.end({ timeout: 2 });
    },
  };
}
