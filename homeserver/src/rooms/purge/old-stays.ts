import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import { deleteOldStays, noteDay, passOver } from "../../storage/rooms/old-stays.ts";
import type { Sql } from "../../storage/sql.ts";

export interface OldStaysDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas: one of them does it. */
  readonly leases?: Leases | undefined;
}

/** Whom a client that was away for so long shared rooms with is known. */
const KEPT_MS = 60 * 24 * 3_600_000;
/** Before it begins. Until then every process knows which stays count as not known. */
const FIRST_MS = 5 * 60_000;
const EVERY_MS = 3_600_000;
/** Rows of one statement. */
const BATCH = 10_000;

/** Forgets in the background who left rooms more than sixty days ago. Returns what stops it. */
export function forgetOldStays({ sql, clock, logger, leases }: OldStaysDeps): () => Promise<void> {
  const stopping = new AbortController();

  async function forget(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await deleteOldStays(sql, BATCH)) === BATCH);
    const now = clock.now();
    await noteDay(sql, now);
    await passOver(sql, now - KEPT_MS);
  }

  const running = whileLeader(leases, "old-stays", stopping.signal, async (signal) => {
    await clock.sleep(FIRST_MS, signal);
    while (!signal.aborted) {
      try {
        await forget(signal);
      } catch (err) {
        logger.warn({ err }, "stays that ended long ago were not deleted");
      }
      await clock.sleep(EVERY_MS, signal);
    }
  });

  return async () => {
    stopping.abort();
    await running;
  };
}
