import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { deleteFailure, loadFailures, upsertFailure } from "../storage/destinations.ts";
import type { Sql } from "../storage/sql.ts";

/** Which servers are not there, and when to ask them again. Survives restarts. */
export interface Backoff {
  /** False while the server is being left alone. */
  mayTry(server: ServerName): boolean;
  /** Ms until it may be tried; 0 for now. */
  waitMs(server: ServerName): number;
  /** Since when it has been failing, ms since 1970; undefined when it is not. */
  failingSince(server: ServerName): number | undefined;
  failed(server: ServerName): void;
  succeeded(server: ServerName): void;
  /** It asked us something, so it is there: whatever waits for it may go. */
  heard(server: ServerName): void;
  /** Called whenever a server that was failing is back. @returns what unsubscribes */
  onAwake(listener: (server: ServerName) => void): () => void;
  /** Waits until what is known has been written. */
  flush(): Promise<void>;
}

interface Failure {
  readonly since: number;
  readonly until: number;
  readonly intervalMs: number;
}

const FIRST_MS = 1_000;
const MAX_MS = 60 * 60_000;
/** Failures that come while one is being waited for say nothing new. */
const GROWTH = 2;

export interface BackoffOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Loads the failing servers: there is a row for those alone. */
export async function createBackoff({ sql, clock, random, log }: BackoffOptions): Promise<Backoff> {
  const failures = new Map<ServerName, Failure>(
    (await loadFailures(sql)).map(({ server, ...failure }) => [server, failure]),
  );
  const listeners = new Set<(server: ServerName) => void>();
  let writing: Promise<unknown> = Promise.resolve();

  function write(task: () => Promise<unknown>): void {
    writing = writing.then(task).catch((error: unknown) => {
      log.warn({ err: error }, "back-off not written");
    });
  }

  function recovered(server: ServerName): void {
    if (!failures.delete(server)) return;
    log.info({ server }, "server is back");
    write(() => deleteFailure(sql, server));
    for (const listener of listeners) listener(server);
  }

  function waitMs(server: ServerName): number {
    return Math.max(0, (failures.get(server)?.until ?? 0) - clock.now());
  }

  return {
    waitMs,
    mayTry: (server) => waitMs(server) === 0,
    failingSince: (server) => failures.get(server)?.since,
    failed(server) {
      const before = failures.get(server);
      const now = clock.now();
      if (before && before.until > now) return;
      const intervalMs = Math.min(MAX_MS, before ? before.intervalMs * GROWTH : FIRST_MS);
      // Spread by ±20 %, so that not all servers come back at the same moment.
      const jitter = 0.8 + random.integer(400) / 1000;
      const failure = {
        since: before?.since ?? now,
        until: now + Math.round(intervalMs * jitter),
        intervalMs,
      };
      failures.set(server, failure);
      log.debug({ server, intervalMs }, "server does not answer");
      write(() => upsertFailure(sql, { server, ...failure }));
    },
    succeeded: recovered,
    heard: recovered,
    onAwake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async flush() {
      await writing;
    },
  };
}
