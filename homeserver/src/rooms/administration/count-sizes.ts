/** Counts in the background, on one replica at a time, how much rooms take up. */
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { countEvents, countMedia } from "../../storage/administration/room-sizes.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { Sql } from "../../storage/sql.ts";

export interface CountSizesDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
}

/** Before it begins, so that a start is not busy with it. */
const FIRST_MS = 20_000;
const EVERY_MS = 60_000;
/** Rooms whose files are counted in one round. */
const ROOMS = 50;
/** After this time a room's files are counted again: some may have gone. */
const MEDIA_MS = 6 * 3_600_000;

/** Returns what stops it. */
export function countSizes({ sql, clock, logger, leases }: CountSizesDeps): () => Promise<void> {
  const stopping = new AbortController();

  async function round(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await countEvents(sql)));
    const now = clock.now();
    await countMedia(sql, { before: now - MEDIA_MS, now, limit: ROOMS });
  }

  const running = whileLeader(leases, "room-sizes", stopping.signal, async (signal) => {
    await clock.sleep(FIRST_MS, signal);
    while (!signal.aborted) {
      try {
        await round(signal);
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, "the sizes of rooms were not counted");
      }
      await clock.sleep(EVERY_MS, signal);
    }
  });

  return async () => {
    stopping.abort();
    await running;
  };
}
