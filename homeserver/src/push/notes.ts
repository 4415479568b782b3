/** Writes down how far pushers are, many at once. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { noteTold, type ToldNote } from "../storage/push/told.ts";
import type { Sql } from "../storage/sql.ts";
import type { PusherState } from "./types.ts";

/** What is to be noted of a pusher. `isMarked`: as one that is behind, although it is not. */
export function noteOf(state: PusherState, isMarked = false): ToldNote {
  const { pusherId, toldTo, badge, failures, retryTs, isBehind } = state;
  return { pusherId, toldTo, badge, failures, retryTs, behind: isBehind || isMarked };
}

export interface Notes {
  /** Resolves when it is stored, or a later note of the same pusher is. */
  note(note: ToldNote): Promise<void>;
  /** Resolves when everything noted is stored. */
  settled(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
const MAX_AT_ONCE = 500;

interface Waiting {
  note: ToldNote;
  readonly stored: PromiseWithResolvers<void>;
}

/** While one statement runs, what comes meanwhile is gathered for the next. */
export function createNotes(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nothing is tried again after it aborts. */
  readonly signal: AbortSignal;
}): Notes {
  const { sql, clock, logger, signal } = deps;
  const waiting = new Map<number, Waiting>();
  let writing: Promise<void> | undefined;

  async function write(batch: readonly Waiting[]): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        await noteTold(
          sql,
          batch.map(({ note }) => note),
        );
        return;
      } catch (err) {
        logger.warn({ err }, "how far pushers are was not noted");
        // What is not noted is told again by who comes next.
        if (signal.aborted) return;
        await clock.sleep(pause, signal);
      }
    }
  }

  async function writeAll(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()].slice(0, MAX_AT_ONCE);
      for (const { note } of batch) waiting.delete(note.pusherId);
      await write(batch);
      for (const { stored } of batch) stored.resolve();
    }
  }

  return {
    note(note) {
      const known = waiting.get(note.pusherId);
      if (known) known.note = note;
      const one = known ?? { note, stored: Promise.withResolvers<void>() };
      if (!known) waiting.set(note.pusherId, one);
      writing ??= writeAll().finally(() => (writing = undefined));
      return one.stored.promise;
    },
    settled: async () => {
      await writing;
    },
  };
}
