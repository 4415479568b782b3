/**
 * Garbage collection of state tree nodes that no state refers to: in the background, little by
 * little, on one replica at a time.
 */
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { Sql } from "../../storage/sql.ts";
import {
  beginCollection,
  readCollection,
  stepCollection,
} from "../../storage/rooms/state-collection.ts";

export interface StateCollectorDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas. */
  readonly leases: Leases | undefined;
}

const LEASE = "state collection";
const ROWS_A_STEP = 1_000;
/** How often, and how long after the start, it checks whether there is something to collect. */
const LOOK_EVERY_MS = 10 * 60_000;
/** It works a tenth of the time: it rests this many times as long as it worked. */
const REST = 9;
const MIN_REST_MS = 20;
const STOP_MS = 3_000;

/** Returns the function that stops it. An unfinished collection continues after the next start. */
export function collectState(deps: StateCollectorDeps): () => Promise<void> {
  const { sql, clock, logger, leases } = deps;
  const stopping = new AbortController();

  async function collect(signal: AbortSignal): Promise<void> {
    let { phase, wanted } = await readCollection(sql);
    if (phase === "idle") {
      if (!wanted) return;
      await beginCollection(sql);
    }
    for (;;) {
      const began = clock.monotonic();
      const { phase: now, nodes, bytes } = await stepCollection(sql, ROWS_A_STEP);
      if (now === "idle") {
        logger.info({ nodes, bytes }, "state nodes that nothing needed were removed");
        return;
      }
      const rest = (clock.monotonic() - began) * REST;
      await clock.sleep(Math.max(rest, MIN_REST_MS), signal);
      if (signal.aborted) return;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      await collect(signal).catch((error: unknown) => {
        logger.warn({ err: error }, "state nodes could not be collected; it will be tried again");
      });
    }
  }

  const running = whileLeader(leases, LEASE, stopping.signal, run).catch((error: unknown) => {
    logger.error({ err: error }, "state nodes are not collected any more");
  });
  return async () => {
    stopping.abort();
    await Promise.race([running, clock.sleep(STOP_MS)]);
  };
}
