import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { Sql } from "../../storage/sql.ts";
import { forgetOldTransactions } from "../../storage/users/to-device-bounds.ts";

export interface ForgettingDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas: one of them does it. */
  readonly leases?: Leases | undefined;
}

const EVERY_MS = 10 * 60_000;
/** A request or an EDU that comes again is known for so long, and so many are. */
const KEPT_MS = 7 * 24 * 3_600_000;
const KEPT = 1_000_000;
/** Rows of one statement. */
const BATCH = 10_000;

/**
 * Forgets in the background which requests and EDUs with messages for devices have come. Returns
 * what stops it.
 */
export function startForgetting({
  sql,
  clock,
  logger,
  leases,
}: ForgettingDeps): () => Promise<void> {
  const stopping = new AbortController();

  async function forget(signal: AbortSignal): Promise<void> {
    const options = { before: clock.now() - KEPT_MS, kept: KEPT, limit: BATCH };
    while (!signal.aborted && (await forgetOldTransactions(sql, options)) === BATCH);
  }

  const running = whileLeader(leases, "forget-to-device", stopping.signal, async (signal) => {
    while (!signal.aborted) {
      try {
        await forget(signal);
      } catch (err) {
        logger.warn({ err }, "old transactions of messages for devices were not deleted");
      }
      await clock.sleep(EVERY_MS, signal);
    }
  });

  return async () => {
    stopping.abort();
    await running;
  };
}
