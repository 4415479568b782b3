import type { Readable } from "node:stream";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import * as storage from "../../storage/media/files.ts";
import { deleteThumbnails } from "../../storage/media/thumbnails.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { StagedFile, Staging } from "./staging.ts";
import { type Blobs, type ByteRange, StoreAway } from "./types.ts";

/**
 * Files by the SHA-256 of their content, and which of them are in use. A file that is put into the
 * store is claimed before, and one that loses a use is noted with that change: whatever happens in
 * between, nothing stays behind and nothing that is used is removed. (Decision 0049.)
 */
export interface FileStore {
  /** @throws FileTooLarge after more than `maxBytes`; whatever the stream fails with */
  stage(content: Readable | Buffer, maxBytes: number): Promise<StagedFile>;
  /**
   * Puts a staged file into the store, and then records in one transaction what uses it. `record`
   * returns files that may have lost their last use by that.
   * @throws StoreAway; what `record` throws
   */
  keep(staged: StagedFile, record: (tx: Tx) => Promise<readonly Buffer[]>): Promise<void>;
  /**
   * Deletes uses in one transaction; `work` returns the files that may have lost their last one. They
   * go at once, or `later`, when they are swept.
   */
  drop(
    work: (tx: Tx) => Promise<readonly Buffer[]>,
    options?: { readonly later?: boolean },
  ): Promise<void>;
  /** Reads a file or a part of it. @throws FileMissing, StoreAway */
  read(sha256: Buffer, range?: ByteRange): Promise<Readable>;
  /** @throws StoreAway */
  has(sha256: Buffer): Promise<boolean>;
  /** Gives work a path on this machine, for as long as it lasts. @throws FileMissing, StoreAway */
  local<T>(sha256: Buffer, work: (path: string) => Promise<T>): Promise<T>;
  /** Removes what nothing uses, and what was interrupted. @throws StoreAway */
  sweep(signal: AbortSignal): Promise<void>;
  /** Ends the connections to the store. */
  stop(): Promise<void>;
}

export interface FileStoreDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly blobs: Blobs;
  readonly staging: Staging;
}

/** How long a file may take into the store, and to be recorded, ms. */
const CLAIM_MS = 24 * 3_600_000;
/** Files that are looked at together. */
const STEP = 100;

export function createFileStore(deps: FileStoreDeps): FileStore {
  const { sql, clock, random, logger, blobs, staging } = deps;

  async function keep(
    staged: StagedFile,
    record: (tx: Tx) => Promise<readonly Buffer[]>,
  ): Promise<void> {
    const { sha256, path, size } = staged;
    const claimId = random.alphanumeric(16);
    await transaction(sql, async (tx) => {
      await storage.lockFile(tx, sha256);
      await storage.claimFile(tx, sha256, claimId, clock.now() + CLAIM_MS);
    });
    let unused: readonly Buffer[] = [];
    try {
      if (!(await blobs.has(sha256, { surely: true }))) await blobs.put(sha256, path, size);
      await transaction(sql, async (tx) => {
        await storage.lockFile(tx, sha256);
        if (!(await storage.endClaim(tx, sha256, claimId))) {
          throw new StoreAway("the file took too long into the media store");
        }
        unused = await record(tx);
        await storage.noteUnused(tx, unused);
      });
    } catch (error) {
      await giveUp(sha256, claimId);
      throw error;
    }
    await collectAll(unused);
  }

  /** What was put there for nothing goes at once, if that is possible; otherwise it is swept. */
  async function giveUp(sha256: Buffer, claimId: string): Promise<void> {
    try {
      await transaction(sql, async (tx) => {
        if (await storage.endClaim(tx, sha256, claimId)) await storage.noteUnused(tx, [sha256]);
      });
      await collect(sha256);
    } catch (error) {
      logger.warn({ err: error }, "a file that nothing uses is left for later");
    }
  }

  /** Removes a file that nothing uses and nobody is about to use. */
  async function collect(sha256: Buffer): Promise<void> {
    const more = await transaction(sql, async (tx) => {
      await storage.lockFile(tx, sha256);
      if (await storage.isClaimed(tx, sha256, clock.now())) return [];
      if (await storage.isFileUsed(tx, sha256)) {
        await storage.endClaims(tx, sha256);
        return [];
      }
      const thumbnails = await deleteThumbnails(tx, sha256);
      await storage.noteUnused(tx, thumbnails);
      await blobs.remove(sha256);
      await storage.endClaims(tx, sha256);
      return thumbnails;
    });
    await collectAll(more);
  }

  async function collectAll(files: readonly Buffer[]): Promise<void> {
    for (const sha256 of files) {
      await collect(sha256).catch((err: unknown) => {
        logger.warn({ err }, "a file that nothing uses is left for later");
      });
    }
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    for (;;) {
      const files = await storage.unusedFiles(sql, clock.now(), STEP);
      for (const sha256 of files) {
        if (signal.aborted) return;
        await collect(sha256);
      }
      if (files.length < STEP) break;
    }
    await staging.clearOld();
    await blobs.sweep(clock.now() - CLAIM_MS);
  }

  return {
    stage: (content, maxBytes) => staging.stage(content, maxBytes),
    ...{ keep, sweep },

    async drop(work, { later = false } = {}) {
      let unused: readonly Buffer[] = [];
      await transaction(sql, async (tx) => {
        unused = await work(tx);
        await storage.noteUnused(tx, unused);
      });
      if (!later) await collectAll(unused);
    },

    read: (sha256, range) => blobs.open(sha256, range),
    has: (sha256) => blobs.has(sha256),
    local: (sha256, work) => blobs.local(sha256, work),

    stop: () => blobs.close(),
  };
}
