import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { createNextRun } from "../platform/single-flight.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { GroupOutcome } from "../storage/append.ts";
import { logPosition } from "../storage/log-records.ts";
import type { Sql } from "../storage/sql.ts";
import { createAppender } from "./append.ts";
import { readRecords, recordsOfGroup } from "./records.ts";
import { createRing } from "./ring.ts";
import type { AdvanceListener, Log, LogRecord } from "./types.ts";
import type { Wake } from "./wake.ts";

export type { Log, LogRecord } from "./types.ts";

export interface LogDeps {
  /** Reads what other replicas committed, and what memory no longer holds. */
  sql: Sql;
  /** From `connectWriter`: the log closes it when it stops. */
  writer: Sql;
  /** The log stops it when it stops itself. */
  wake: Wake;
  clock: Clock;
  logger: Logger;
  /** This server's name: whose events are `local`. */
  serverName: ServerName;
}

/** How many records are read from the tables at once when catching up. */
const PAGE = 500;
/** How often other writers' commits are looked for when a wake-up may have got lost. */
const POLL_MS = 1_000;
/** So long a reader waits for what others committed, before it reads what is here. */
const FRESH_MS = 2_000;

/** Opens the log at its present end. */
export async function createLog(deps: LogDeps): Promise<Log> {
  const { sql, wake, clock, logger, serverName } = deps;
  let position = await logPosition(sql);
  const ring = createRing(position);
  const listeners = new Set<AdvanceListener>();
  const stopping = new AbortController();
  /** Catching up with other writers, one after another; undefined when there is nothing to catch up with. */
  let catchingUp: Promise<void> | undefined;

  function push(records: readonly LogRecord[], end: number): void {
    ring.push(records, end);
    position = end;
    for (const listener of listeners) {
      try {
        listener(records, end);
      } catch (error) {
        logger.error({ err: error }, "a listener of the log failed");
      }
    }
  }

  /** Runs after what is being caught up with already. */
  function queued(task: () => Promise<void>): Promise<void> {
    const turn = (catchingUp ?? Promise.resolve()).then(task);
    const mine = turn.finally(() => {
      if (catchingUp === mine) catchingUp = undefined;
    });
    catchingUp = mine;
    return mine;
  }

  /** Takes in from the tables what is between our position and another. */
  async function catchUp(to: number): Promise<void> {
    for (let pause = 50; position < to;) {
      try {
        const span = { after: position, upTo: to, limit: PAGE };
        const records = await readRecords(sql, span, serverName);
        const last = records.at(-1);
        push(records, records.length < PAGE || last === undefined ? to : last.position);
      } catch (error) {
        if (stopping.signal.aborted) return;
        logger.warn({ err: error }, "the log could not be read; trying again");
        await clock.sleep(pause, stopping.signal);
        pause = Math.min(pause * 2, 2_000);
      }
    }
  }

  function committed(group: GroupOutcome): Promise<void> | undefined {
    const records = recordsOfGroup(group, serverName);
    const take = () => {
      // Polling may have met this commit in the tables before we heard of it.
      if (position < group.end) push(records, group.end);
      wake.announce(group.end);
    };
    if (catchingUp === undefined && position === group.base) {
      take();
      return undefined;
    }
    return queued(async () => {
      await catchUp(group.base);
      take();
    });
  }

  async function poll(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(POLL_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      const end = await logPosition(sql).catch(() => 0);
      if (end > position) await queued(() => catchUp(end));
    }
  }

  async function catchUpNow(): Promise<void> {
    const end = await logPosition(sql).catch(() => 0);
    if (end <= position) return;
    const given = new AbortController();
    const late = clock.sleep(FRESH_MS, given.signal);
    await Promise.race([queued(() => catchUp(end)), late]);
    given.abort("over");
  }

  const freshen = createNextRun(catchUpNow);

  const appender = createAppender({ writer: deps.writer, clock, logger, committed });
  const unwake = wake.onWake((to) => {
    if (to > position) void queued(() => catchUp(to));
  });
  const polling = wake.shared ? poll() : Promise.resolve();

  return {
    append: (append) => appender.append(append),
    get position() {
      return position;
    },
    fresh: () => (wake.shared ? freshen() : undefined),
    async read(after, limit) {
      const upTo = position;
      if (after >= upTo) return [];
      return (
        ring.read(after, limit) ?? (await readRecords(sql, { after, upTo, limit }, serverName))
      );
    },
    onAdvance(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      await appender.stop();
      stopping.abort();
      unwake();
      await Promise.all([polling, catchingUp]);
      await wake.stop();
      await deps.writer.end({ timeout: 2 });
    },
  };
}
