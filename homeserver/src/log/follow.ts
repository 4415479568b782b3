import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { loadCursor, saveCursor } from "../storage/streams/cursors.ts";
import { type Leases, whileLeader } from "../storage/leases.ts";
import type { Sql } from "../storage/sql.ts";
import type { Log, RecordKind, RecordOf } from "./types.ts";

export interface FollowerDeps {
  log: Log;
  sql: Sql;
  clock: Clock;
  logger: Logger;
  /** Given when there are several replicas: then only one of them follows under each name. */
  leases?: Leases | undefined;
}

export interface FollowerOptions<K extends RecordKind> {
  /** Name of the durable cursor. */
  name: string;
  /** It gets records of these kinds only. */
  kinds: readonly K[];
  /** Where a new follower begins. */
  from: "beginning" | "end";
  /** Maximum number of records in one call (200). */
  batch?: number;
  /** Concurrent calls (1: strictly in order). */
  concurrency?: number;
  /**
   * How long new records are gathered before they are handed out (0 ms): for work that costs a
   * transaction however few they are. Whoever waits for the follower ends it.
   */
  gatherMs?: number;
  /**
   * Called before reading begins: at the start, and each time this replica gets the lease. The
   * signal aborts when the follower stops or the lease is lost.
   */
  begin?(signal: AbortSignal): Promise<void>;
  /**
   * Processes a batch, in order. After a crash, or when it threw, it gets the same records again:
   * at least once. The signal aborts when the follower stops.
   */
  handle(records: readonly RecordOf<K>[], signal: AbortSignal): Promise<void>;
}

/** A reader of the log with a durable cursor: after any interruption it continues where it was. */
export interface Follower {
  /** Everything up to here is processed. */
  readonly position: number;
  /** Resolves when everything up to the log's present position is processed. */
  caughtUp(): Promise<void>;
  /** Waits for running calls and saves the cursor. */
  stop(): Promise<void>;
}

const SAVE_EVERY_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
const LONG_MS = 3_600_000;
/** Aborting without a reason creates an error with a stack each time. */
const OVER = "over";

/**
 * Starts following at once. Errors of `handle` are logged, and the batch is retried with growing
 * pauses.
 */
export function createFollower<K extends RecordKind>(
  deps: FollowerDeps,
  options: FollowerOptions<K>,
): Follower {
  const { log, sql, clock, logger } = deps;
  const { name, kinds, batch = 200, concurrency = 1, gatherMs = 0 } = options;
  const stopping = new AbortController();
  const wakes = new Set<() => void>();
  const waiting = new Set<() => void>();
  let done = -1;
  let saved = -1;
  let savedAt = clock.monotonic();

  /** Resolves when there may be records for it, or the follower stops, at the latest after `ms`. */
  function nextAdvance(ms: number): Promise<void> {
    const over = new AbortController();
    return new Promise((resolve) => {
      const wake = () => {
        wakes.delete(wake);
        over.abort(OVER);
        resolve();
      };
      wakes.add(wake);
      void clock.sleep(ms, over.signal).then(wake);
    });
  }

  /** Lets more records come, so that they are handled together. */
  async function gather(signal: AbortSignal): Promise<void> {
    const until = clock.monotonic() + gatherMs;
    for (;;) {
      const left = until - clock.monotonic();
      if (left <= 0 || waiting.size > 0 || signal.aborted) return;
      await nextAdvance(left);
    }
  }

  function wakeAll(): void {
    for (const wake of wakes) wake();
  }

  async function save(): Promise<void> {
    if (done <= saved) return;
    const position = done;
    try {
      await saveCursor(sql, name, position);
      saved = position;
    } catch (error) {
      logger.warn({ err: error, follower: name }, "a cursor was not saved");
    }
    savedAt = clock.monotonic();
  }

  async function persist(records: readonly RecordOf<K>[], signal: AbortSignal): Promise<boolean> {
    for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        await options.handle(records, signal);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        logger.error({ err: error, follower: name }, "a follower failed; trying again");
        await clock.sleep(pause, signal);
      }
    }
    return false;
  }

  /**
   * Reads and hands out batches until the signal aborts; `done` moves over completed prefixes only.
   */
  async function work(signal: AbortSignal): Promise<void> {
    const flights: { end: number; finished: boolean; settled: Promise<void> }[] = [];
    let read = done;
    signal.addEventListener("abort", wakeAll);
    try {
      while (!signal.aborted) await step();
    } finally {
      signal.removeEventListener("abort", wakeAll);
      await Promise.all(flights.map((flight) => flight.settled));
    }

    async function step(): Promise<void> {
      const upTo = log.position;
      const records = read < upTo ? await log.read(read, batch, kinds) : [];
      const last = records.at(-1);
      read = last !== undefined && records.length >= batch ? last.position : Math.max(read, upTo);
      const flight = { end: read, finished: records.length === 0, settled: Promise.resolve() };
      flights.push(flight);
      if (records.length > 0) {
        flight.settled = persist(records, signal).then((finished) => {
          flight.finished = finished;
          settle();
        });
      } else {
        settle();
      }
      while (flights.length >= concurrency && !signal.aborted) await flights[0]?.settled;
      if (clock.monotonic() - savedAt > SAVE_EVERY_MS) await save();
      if (read >= log.position && !signal.aborted) {
        await nextAdvance(done > saved ? SAVE_EVERY_MS : LONG_MS);
        if (read < log.position) await gather(signal);
        if (done > saved && clock.monotonic() - savedAt > SAVE_EVERY_MS) await save();
      }
    }

    function settle(): void {
      while (flights[0]?.finished === true) done = flights.shift()?.end ?? done;
      for (const check of waiting) check();
    }
  }

  async function begin(signal: AbortSignal): Promise<void> {
    const found = await loadCursor(sql, name);
    done = found ?? (options.from === "end" ? log.position : 0);
    saved = found ?? -1;
    await save();
    await options.begin?.(signal);
  }

  async function run(): Promise<void> {
    await whileLeader(deps.leases, name, stopping.signal, async (signal) => {
      try {
        await begin(signal);
        await work(signal);
      } catch (error) {
        logger.error({ err: error, follower: name }, "a follower can't read the log; trying again");
        await clock.sleep(1_000, stopping.signal);
      }
      if (stopping.signal.aborted) await save();
    });
  }

  const unfollow = log.follow({ phase: "readers", kinds, take: wakeAll });
  // Where the log moved without records for it, the cursor follows now and then.
  let lagging = false;
  const unlisten = log.onMove(() => {
    if (lagging) return;
    lagging = true;
    void clock.sleep(SAVE_EVERY_MS, stopping.signal).then(() => {
      lagging = false;
      wakeAll();
    });
  });
  const running = run();

  return {
    get position() {
      return Math.max(done, 0);
    },
    caughtUp() {
      const goal = log.position;
      return new Promise((resolve) => {
        const check = () => {
          if (done < goal && !stopping.signal.aborted) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
        wakeAll();
      });
    },
    async stop() {
      stopping.abort();
      unfollow();
      unlisten();
      await running;
      for (const check of waiting) check();
    },
  };
}
