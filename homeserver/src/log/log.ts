import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { createNextRun } from "../platform/single-flight.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { appendBeforeCommit, type GroupOutcome } from "../storage/append/append.ts";
import type { NewRecord } from "../storage/streams/index.ts";
import { logPosition, settledLogPosition } from "../storage/streams/log-head.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import { createAnnouncedSpans } from "./announced-spans.ts";
import { createAppender } from "./append.ts";
import { createReaders } from "./readers.ts";
import { readRecords, recordsOfGroup } from "./records.ts";
import { createRing } from "./ring.ts";
import type { Change, Log, LogReader, LogRecord, RecordKind, RecordOf } from "./types.ts";
import type { Wake } from "./wake.ts";

export type { Log } from "./types.ts";

export interface LogDeps {
  /** For reading what other replicas committed, and what is no longer in memory. */
  sql: Sql;
  /** From `connectWriter`: the log closes it when it stops. */
  writer: Sql;
  /** The log stops it when it stops itself. */
  wake: Wake;
  clock: Clock;
  logger: Logger;
  /** This server's name: its users' events are `local`. */
  serverName: ServerName;
}

/** Records read from the tables at once when catching up. */
const PAGE = 500;
/** How often the log looks for other writers' commits, in case a wake-up was lost. */
const POLL_MS = 1_000;
/**
 * Other replicas announce their commits a moment later: how long to wait for that before reading
 * from the tables.
 */
const ANNOUNCED_WITHIN_MS = 5;
/** How long a reader waits for other replicas' commits before it reads what is here. */
const FRESH_MS = 2_000;

/** Opens the log at its current end. */
export async function createLog(deps: LogDeps): Promise<Log> {
  const { sql, wake, clock, logger, serverName } = deps;
  let position = await logPosition(sql);
  const ring = createRing(position);
  const readers = createReaders(logger);
  const moves = new Set<() => void>();
  const stopping = new AbortController();
  /**
   * Runs the tasks that catch up with other writers one after another; undefined when there are
   * none.
   */
  let catchingUp: Promise<void> | undefined;

  const announced = createAnnouncedSpans(clock);

  function push(records: readonly LogRecord[], end: number): void {
    ring.push(records, end);
    position = end;
    readers.deliver(records);
    for (const moved of moves) moved();
  }

  /** Runs after the tasks that are already catching up. */
  function queued(task: () => Promise<void>): Promise<void> {
    const turn = (catchingUp ?? Promise.resolve()).then(task);
    const mine = turn.finally(() => {
      if (catchingUp === mine) catchingUp = undefined;
    });
    catchingUp = mine;
    return mine;
  }

  /** Adds announced spans as far as they follow on without a gap. */
  function pushAnnounced(): void {
    for (let span = announced.take(position); span; span = announced.take(position)) {
      push(span.records, span.end);
    }
  }

  /** Waits a moment for announcements that lead up to a position. */
  async function awaitAnnounced(goal: number): Promise<void> {
    const deadline = clock.monotonic() + ANNOUNCED_WITHIN_MS;
    for (pushAnnounced(); position < goal; pushAnnounced()) {
      const left = deadline - clock.monotonic();
      if (left <= 0 || stopping.signal.aborted) return;
      await announced.next(left);
    }
  }

  /** Reads the records up to a position from the tables. */
  async function catchUp(to: number): Promise<void> {
    for (let pause = 50; position < to;) {
      try {
        const span = { after: position, upTo: to, limit: PAGE };
        const records = await readRecords(sql, span, serverName, undefined);
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
    const { base, end } = group;
    const span = { base, end, records: recordsOfGroup(group, serverName) };
    if (catchingUp === undefined && position === base) {
      push(span.records, end);
      wake.announce(span);
      pushAnnounced();
      return undefined;
    }
    announced.keep(span);
    const advanced = queued(() => awaitOrRead(end));
    wake.announce(span);
    return advanced;
  }

  async function awaitOrRead(end: number): Promise<void> {
    await awaitAnnounced(end);
    await catchUp(end);
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
    const given = new AbortController();
    const late = clock.sleep(FRESH_MS, given.signal);
    const caughtUp = logPosition(sql).then((end) =>
      end > position ? queued(() => awaitOrRead(end)) : undefined,
    );
    await Promise.race([caughtUp.catch(() => {}), late]);
    given.abort("over");
  }

  /** After a lost answer to a commit: takes in what was committed, once the database says so. */
  async function resolveLostAnswer(): Promise<void> {
    for (let pause = 50; !stopping.signal.aborted; pause = Math.min(pause * 2, 2_000)) {
      try {
        const end = await settledLogPosition(sql);
        if (end > position) await queued(() => awaitOrRead(end));
        return;
      } catch {
        await clock.sleep(pause, stopping.signal);
      }
    }
  }

  const freshen = createNextRun(catchUpNow);

  async function change<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const own: { group?: GroupOutcome | undefined } = {};
    try {
      const value = await transaction(sql, async (tx) => {
        own.group = undefined;
        const records: NewRecord[] = [];
        const result = await work({ tx, record: (record) => void records.push(record) });
        // The lock of the log is taken last: its holder waits for no other lock.
        if (records.length > 0) own.group = await appendBeforeCommit(tx, { records });
        return result;
      });
      if (own.group !== undefined) await committed(own.group);
      return value;
    } catch (error) {
      // If the connection was lost, it may have been committed: readers must learn of it in any
      // case.
      if (own.group !== undefined) void resolveLostAnswer();
      throw error;
    }
  }

  const appender = createAppender({ writer: deps.writer, clock, logger, committed });
  const unwake = wake.onWake((to, span) => {
    if (to <= position) return;
    if (span !== undefined) announced.keep(span);
    // A running catch-up takes in announced spans itself.
    if (catchingUp === undefined) pushAnnounced();
    if (to > position) void queued(() => awaitOrRead(to));
  });
  const polling = wake.shared ? poll() : Promise.resolve();

  return {
    append: (append) => appender.append(append),
    change,
    get position() {
      return position;
    },
    fresh: () => (wake.shared ? freshen() : undefined),
    async read<K extends RecordKind>(after: number, limit: number, kinds: readonly K[]) {
      const upTo = position;
      if (after >= upTo) return [];
      const wanted: ReadonlySet<RecordKind> = new Set<RecordKind>(kinds);
      const records =
        ring.read(after, limit, wanted) ??
        (await readRecords(sql, { after, upTo, limit }, serverName, wanted));
      return records as readonly RecordOf<K>[];
    },
    follow: <K extends RecordKind>(reader: LogReader<K>) => readers.add(reader),
    onMove(listener) {
      moves.add(listener);
      return () => moves.delete(listener);
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
