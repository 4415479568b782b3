/**
 * Throttles other servers: few of their transactions run at once, and senders of many refused
 * events are slowed down.
 */
import { LRUCache, atMost } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import { QueueFull, createFairQueue } from "../../platform/fair-queue.ts";
import { errors } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";

/** How many of a transaction's events were refused; counted while it is worked on. */
export interface Tally {
  readonly events: number;
  refused: number;
}

export interface OriginThrottle {
  /**
   * Runs the task for a transaction when it is the server's turn. After a transaction of mostly
   * refused events the server's next one is delayed, longer each time; after others, the delay
   * shrinks. Throws M_LIMIT_EXCEEDED when too many of the server's transactions wait.
   */
  run<T>(server: ServerName, tally: Tally, task: () => Promise<T>): Promise<T>;
}

/** Servers send one transaction at a time; a repeated one may overlap with the first. */
const MAX_CONCURRENT = 2;
const MAX_WAITING = 50;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;
const RETRY_MS = 5_000;
/** Fewer refused events than this mean nothing. */
const REFUSED_FROM = 5;

export function createOriginThrottle(clock: Clock, stop: AbortSignal): OriginThrottle {
  const queue = createFairQueue<ServerName>({
    perKey: MAX_CONCURRENT,
    total: Infinity,
    maxWaiting: MAX_WAITING,
  });
  const pauses = new LRUCache<ServerName, number>(atMost(10_000));

  function learn(server: ServerName, { events, refused }: Tally): void {
    const before = pauses.get(server) ?? 0;
    const isMostlyRefused = refused >= REFUSED_FROM && refused * 2 >= events;
    if (isMostlyRefused) {
      pauses.set(server, Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, before * 2)));
    } else if (before > FIRST_PAUSE_MS) {
      pauses.set(server, Math.floor(before / 2));
    } else if (before > 0) {
      pauses.delete(server);
    }
  }

  return {
    async run(server, tally, task) {
      try {
        return await queue.run(server, async () => {
          const pause = pauses.get(server);
          if (pause !== undefined) await clock.sleep(pause, stop);
          const result = await task();
          learn(server, tally);
          return result;
        });
      } catch (error) {
        if (!(error instanceof QueueFull)) throw error;
        throw errors.limitExceeded(RETRY_MS, "Too many of your transactions wait already");
      }
    },
  };
}
