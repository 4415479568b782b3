import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { referencesIn } from "../storage/append/media-rows.ts";
import * as storage from "../storage/media/retention.ts";
import { loadCursor, OF_BEFORE, saveCursor } from "../storage/streams/cursors.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import type { FileStore } from "./store/files.ts";

export interface RetentionSettings {
  /** How long an upload is kept that nothing names, ms; 0: for ever. */
  readonly unusedLifetimeMs: number;
  /** The same for what encrypted messages may name, ms; 0: for ever. */
  readonly encryptedLifetimeMs: number;
}

export interface RetentionDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serverName: ServerName;
  readonly files: FileStore;
  readonly settings: RetentionSettings;
  /** Ids of uploads that other settings name. */
  readonly kept: readonly string[];
}

/** Deletes uploads that nobody can reach. (Decision 0049.) */
export interface Retention {
  /**
   * Notes what old events name, and then, once in some hours, deletes what nothing names, unless the
   * settings keep everything.
   */
  step(signal: AbortSignal): Promise<void>;
}

const DAY_MS = 24 * 3_600_000;
const EVERY_MS = 6 * 3_600_000;
/** Events, and uploads, of one step. */
const STEP = 500;
const DONE = Number.MAX_SAFE_INTEGER;

export function createRetention(deps: RetentionDeps): Retention {
  const { sql, clock, logger, serverName, files, settings } = deps;
  let lastLook = -Infinity;

  /**
   * Events from before their references were noted are looked at twice, a day apart: in an upgrade,
   * another replica may still have run the program of before. Returns whether all is known.
   */
  async function noteOldEvents(signal: AbortSignal): Promise<boolean> {
    if (!(await scan(OF_BEFORE.files, signal))) return false;
    let due = await loadCursor(sql, OF_BEFORE.filesDue);
    if (due === undefined) {
      const isEmpty = (await storage.nextEvents(sql, -1, 1)).length === 0;
      due = clock.now() + (isEmpty ? 0 : DAY_MS);
      await saveCursor(sql, OF_BEFORE.filesDue, due);
    }
    return due <= clock.now() && (await scan(OF_BEFORE.filesAgain, signal));
  }

  /** Returns whether it is at its end. */
  async function scan(cursor: string, signal: AbortSignal): Promise<boolean> {
    for (let after: number = (await loadCursor(sql, cursor)) ?? -1; after !== DONE;) {
      if (signal.aborted) return false;
      const from = after;
      after = await transaction(sql, async (tx) => {
        const events = await storage.nextEvents(tx, from, STEP);
        const found = events.flatMap(({ nid, roomNid, type, stateKey, json }) => {
          if (json === null) return [];
          const named = referencesIn({ type, stateKey: stateKey ?? undefined }, json);
          return named.map((each) => ({ ...each, nid, roomNid }));
        });
        await storage.noteReferences(tx, found);
        const next = events.length < STEP ? DONE : events.at(-1)!.nid;
        await saveCursor(tx, cursor, next);
        return next;
      });
    }
    return true;
  }

  async function look(signal: AbortSignal): Promise<void> {
    await storage.noteUsersOfEncryption(sql, serverName);
    for (let after: string | undefined = ""; after !== undefined;) {
      if (signal.aborted) return;
      const from: string = after;
      after = await transaction(sql, (tx) =>
        storage.lookAtUploads(tx, serverName, from, { now: clock.now(), limit: STEP }),
      );
    }
  }

  async function deleteUnused(signal: AbortSignal): Promise<number> {
    const { unusedLifetimeMs, encryptedLifetimeMs } = settings;
    const before = clock.now() - unusedLifetimeMs;
    const encryptedBefore =
      encryptedLifetimeMs === 0 ? undefined : clock.now() - encryptedLifetimeMs;
    const which = { server: serverName, before, encryptedBefore, kept: deps.kept, limit: STEP };
    for (let count = 0; ;) {
      if (signal.aborted) return count;
      let step = { looked: 0, files: [] as Buffer[] };
      await files.drop(async (tx) => {
        step = await storage.deleteUnused(tx, which);
        return step.files;
      });
      count += step.files.length;
      if (step.looked < STEP) return count;
    }
  }

  return {
    async step(signal) {
      const isKnown = await noteOldEvents(signal);
      if (!isKnown || settings.unusedLifetimeMs === 0) return;
      if (clock.monotonic() - lastLook < EVERY_MS) return;
      await look(signal);
      const count = await deleteUnused(signal);
      lastLook = clock.monotonic();
      if (count > 0) logger.info({ count }, "uploads that nothing names were deleted");
    },
  };
}
