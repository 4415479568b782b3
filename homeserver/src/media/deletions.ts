/** Deleting old uploads: durable jobs, done one after another, on one replica at a time. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { UserId } from "../protocol/identifiers.ts";
import * as storage from "../storage/media/deletions.ts";
import { countOldUploads, type OldMedia } from "../storage/media/listing.ts";
import type { Sql, Tx } from "../storage/sql.ts";

export interface MediaDeletions {
  /** Begins to delete uploads that are old now. Answers the job's id. */
  begin(by: UserId, which: OldMedia): Promise<string>;
  /** Goes on with what was begun until nothing is left to do, or the signal aborts. */
  work(signal: AbortSignal): Promise<void>;
  /** Aborts when this process begins a job. */
  readonly begun: AbortSignal;
}

export interface MediaDeletionsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Deletes some, and calls `note` in the same transaction with how many; it may be called again.
   * Answers false when none were left.
   */
  readonly deleteSome: (
    which: OldMedia,
    note: (tx: Tx, count: number) => Promise<void>,
  ) => Promise<boolean>;
}

const MAX_ATTEMPTS = 5;
const PAUSE_MS = 1_000;
/** How long those that have ended are listed. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;

export function createMediaDeletions(deps: MediaDeletionsDeps): MediaDeletions {
  const { sql, clock, random, logger, deleteSome } = deps;
  let begun = new AbortController();

  async function perform(row: storage.MediaDeletionRow, signal: AbortSignal): Promise<void> {
    const { deletionId: id, requestedBy: by } = row;
    if (row.total === null) await storage.noteMediaTotal(sql, id, await countOldUploads(sql, row));
    while (await deleteSome(row, (tx, count) => storage.noteMediaDeleted(tx, id, count))) {
      if (signal.aborted) return;
    }
    await storage.endMediaDeletion(sql, id, { reason: null, now: clock.now() });
    logger.info({ by, deletion: id }, "old files that an administrator deletes are gone");
  }

  /** Tries again after a failure. What fails again and again is given up, for others to have their turn. */
  async function attempt(row: storage.MediaDeletionRow, signal: AbortSignal): Promise<void> {
    for (let tried = 1; !signal.aborted; tried += 1) {
      try {
        return await perform(row, signal);
      } catch (err) {
        logger.error({ err, deletion: row.deletionId, tried }, "old files could not be deleted");
        if (tried === MAX_ATTEMPTS) break;
        await clock.sleep(PAUSE_MS * tried, signal);
      }
    }
    if (signal.aborted) return;
    const reason = "The server's log tells what went wrong";
    await storage.endMediaDeletion(sql, row.deletionId, { reason, now: clock.now() });
  }

  return {
    get begun() {
      return begun.signal;
    },
    async begin(by, which) {
      await storage.forgetMediaDeletions(sql, clock.now() - REMEMBERED_MS);
      const deletionId = random.alphanumeric(16);
      const now = clock.now();
      // What is uploaded from now on is not old, and would keep it going.
      const before = Math.min(which.before, now);
      const row = { ...which, before, deletionId, requestedBy: by, createdTs: now };
      await storage.insertMediaDeletion(sql, row);
      logger.info({ by, ...which, deletion: deletionId }, "an administrator deletes old files");
      const waiting = begun;
      begun = new AbortController();
      waiting.abort();
      return deletionId;
    },
    async work(signal) {
      while (!signal.aborted) {
        const row = await storage.nextMediaDeletion(sql);
        if (row === undefined) return;
        await attempt(row, signal);
      }
    },
  };
}
