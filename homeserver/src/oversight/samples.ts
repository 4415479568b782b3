import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { isOwnFailure } from "../protocol/errors.ts";
import { deleteSamples, insertSample, type SampleRow } from "../storage/oversight/samples.ts";
import type { Sql } from "../storage/sql.ts";
import { type AnswerTimes, createAnswerTimes, round } from "./answer-times.ts";

/** An answered request. */
interface Answered {
  readonly operation: string;
  readonly status: number;
  readonly ms: number;
}

export interface SamplesOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A random name of this process. */
  readonly replica: string;
  readonly version: string;
  readonly logPosition: () => number;
  /** What this process uses; the process itself unless given. */
  readonly usage?: () => { readonly memoryBytes: number; readonly cpuMs: number };
}

/** What this process measures, and writes down once a minute. */
export interface Samples {
  readonly replica: string;
  /** ms since 1970. */
  readonly startedTs: number;
  /** Counts a request that was answered. */
  answered(request: Answered): void;
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
const KEPT_MS = 7 * 24 * 3_600_000;
/** Old samples are deleted once in so many new ones. */
const CLEAR_EVERY = 60;
/** Operations that wait for something to happen, or as long as somebody is there. */
const WAITING = new Set(["sync", "slidingSync", "getEvents", "openSocket"]);

interface Span {
  readonly times: AnswerTimes;
  readonly beganMs: number;
  readonly cpuMs: number;
  requests: number;
  failed: number;
}

export function createSamples(options: SamplesOptions): Samples {
  const { sql, clock, logger, replica, version } = options;
  const usage = options.usage ?? ownUsage;
  const startedTs = clock.now();
  const stopping = new AbortController();
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  let span = begin();

  function begin(): Span {
    delays.reset();
    const { cpuMs } = usage();
    return {
      times: createAnswerTimes(),
      ...{ beganMs: clock.monotonic(), cpuMs, requests: 0, failed: 0 },
    };
  }

  function take(hasEnded: boolean): SampleRow {
    const { times, beganMs, cpuMs, requests, failed } = span;
    const now = usage();
    const elapsed = Math.max(clock.monotonic() - beganMs, 1);
    const delay = delays.percentile(95) / 1e6;
    span = begin();
    return {
      ...{ replica, version, startedTs, hasEnded, requests, failed },
      ts: clock.now(),
      p50Ms: times.within(0.5),
      p95Ms: times.within(0.95),
      memoryBytes: now.memoryBytes,
      cpu: round((now.cpuMs - cpuMs) / elapsed),
      delayMs: Number.isFinite(delay) ? round(delay) : 0,
      logPosition: options.logPosition(),
    };
  }

  async function write(hasEnded: boolean): Promise<void> {
    await insertSample(sql, take(hasEnded)).catch((err: unknown) => {
      logger.warn({ err }, "how this process does was not noted");
    });
  }

  async function run(): Promise<void> {
    for (let count = 0; !stopping.signal.aborted; count += 1) {
      await write(false);
      if (count % CLEAR_EVERY === 0) {
        await deleteSamples(sql, clock.now() - KEPT_MS).catch((err: unknown) => {
          logger.warn({ err }, "old samples are deleted later");
        });
      }
      await clock.sleep(EVERY_MS, stopping.signal);
    }
  }

  const running = run();
  return {
    replica,
    startedTs,
    answered({ operation, status, ms }) {
      span.requests += 1;
      if (isOwnFailure(status)) span.failed += 1;
      if (!WAITING.has(operation)) span.times.note(ms);
    },
    async stop() {
      stopping.abort();
      await running;
      await write(true);
      delays.disable();
    },
  };
}

function ownUsage() {
  const { user, system } = process.cpuUsage();
  return { memoryBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 };
}
