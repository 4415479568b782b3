import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { appendGroup, storableError } from "../storage/append/append.ts";
import type { GroupOutcome } from "../storage/append/append.ts";
import { LogUnavailable, StaleHead } from "../storage/append/types.ts";
import type { Append, Committed } from "../storage/append/types.ts";
import { isConnectionError, sqlState } from "../storage/sql.ts";
import type { Sql } from "../storage/sql.ts";
import { takeGroup } from "./gather.ts";

/**
 * Gathers appends and commits them in groups: while one group is being committed, the next gathers.
 */
export interface Appender {
  append(append: Append): Promise<Committed>;
  /** Commits what was handed over; later appends are rejected with LogUnavailable. */
  stop(): Promise<void>;
}

export interface AppenderDeps {
  writer: Sql;
  clock: Clock;
  logger: Logger;
  /** Called with each committed group, in order. Appends are answered once its promise resolves. */
  committed(outcome: GroupOutcome): Promise<void> | void;
}

interface Entry {
  append: Append;
  since: number;
  resolve(committed: Committed): void;
  reject(error: unknown): void;
}

/** How long appends wait for an unavailable database before they fail. */
const GIVE_UP_AFTER_MS = 30_000;
const MAX_PAUSE_MS = 1_000;
/**
 * Conflicts with other writers that a new snapshot resolves: unique index, serialisation, deadlock.
 */
const CONFLICT_CODES = new Set(["23505", "40001", "40P01"]);
const MAX_CONFLICTS = 5;

export function createAppender(deps: AppenderDeps): Appender {
  const { writer, clock, logger } = deps;
  const queue: Entry[] = [];
  let pumping: Promise<void> | undefined;
  let stopped = false;

  async function pump(): Promise<void> {
    while (queue.length > 0) {
      // Callers answered by the last group, or appending in the same turn of the event loop, get
      // into this group.
      await new Promise((resolve) => setImmediate(resolve));
      await commit(takeGroup(queue));
    }
    pumping = undefined;
  }

  async function commit(group: readonly Entry[]): Promise<void> {
    let conflicts = 0;
    for (let pause = 25; ;) {
      try {
        const outcome = await appendGroup(
          writer,
          group.map(({ append }) => append),
        );
        return settle(group, outcome);
      } catch (error) {
        if (isConnectionError(error)) {
          // It is unknown whether the group was committed; trying again finds out (see
          // storage/append/append.ts).
          if (waitedTooLong(group)) return giveUp(group, error);
          logger.warn({ err: error }, "the log's connection was lost; trying again");
          await clock.sleep(pause);
          pause = Math.min(pause * 2, MAX_PAUSE_MS);
        } else if (CONFLICT_CODES.has(sqlState(error) ?? "") && conflicts < MAX_CONFLICTS) {
          conflicts += 1;
        } else {
          return isolate(group, error);
        }
      }
    }
  }

  function waitedTooLong(group: readonly Entry[]): boolean {
    return clock.monotonic() - Math.min(...group.map(({ since }) => since)) > GIVE_UP_AFTER_MS;
  }

  function giveUp(group: readonly Entry[], cause: unknown): void {
    logger.error({ err: cause, appends: group.length }, "the database is away");
    for (const entry of group) {
      fail(entry, new LogUnavailable("the database is away", { cause }));
    }
  }

  /** One append makes the whole group fail: each is tried by itself. */
  async function isolate(group: readonly Entry[], error: unknown): Promise<void> {
    const [only] = group;
    if (group.length === 1 && only !== undefined) return fail(only, error);
    const faults = group.map(({ append }) => storableError(append));
    if (faults.some((fault) => fault !== undefined)) {
      group.forEach((entry, index) => faults[index] !== undefined && fail(entry, faults[index]));
      return commit(group.filter((_, index) => faults[index] === undefined));
    }
    for (const entry of group) await commit([entry]);
  }

  function settle(group: readonly Entry[], outcome: GroupOutcome): void {
    const advanced = deps.committed(outcome);
    const answer = () => {
      group.forEach((entry, index) => {
        const result = outcome.outcomes[index];
        if (result?.committed === true) {
          const { positions, returned } = result;
          entry.resolve({ position: outcome.end, positions, returned });
        }
      });
    };
    group.forEach((entry, index) => {
      const result = outcome.outcomes[index];
      if (result?.committed === false) fail(entry, result.error);
    });
    if (advanced === undefined) answer();
    else void advanced.then(answer);
  }

  /** Fails an append, and the waiting ones that were built on it. */
  function fail(entry: Entry, error: unknown): void {
    entry.reject(error);
    const { head } = entry.append;
    if (head === undefined) return;
    const dependent = queue.findIndex(
      ({ append: { head: next } }) =>
        next?.roomNid === head.roomNid && next.expectedVersion === head.version,
    );
    const [removed] = dependent === -1 ? [] : queue.splice(dependent, 1);
    if (removed !== undefined) fail(removed, new StaleHead(head.roomNid));
  }

  return {
    append(append) {
      if (stopped) return Promise.reject(new LogUnavailable("the log is stopped"));
      return new Promise((resolve, reject) => {
        queue.push({ append, since: clock.monotonic(), resolve, reject });
        pumping ??= pump();
      });
    },
    async stop() {
      stopped = true;
      await pumping;
    },
  };
}
