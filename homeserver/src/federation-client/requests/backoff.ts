import { atMost, LRUCache } from "../../platform/caches.ts";
import type { Channel } from "../../platform/channel.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import * as rows from "../../storage/federation/destinations.ts";
import type { Sql } from "../../storage/sql.ts";

/**
 * Tracks which servers are unreachable, and when to try them again. Survives restarts, and is
 * shared by the replicas.
 */
export interface Backoff {
  /** False while the server is backed off. */
  mayTry(server: ServerName): boolean;
  /** Ms until it may be tried; 0 for now. */
  waitMs(server: ServerName): number;
  /** Since when it has been failing, ms since 1970; undefined when it is not. */
  failingSince(server: ServerName): number | undefined;
  /**
   * `isThere`: it answered, but unusably. Only destinations (servers that something is sent to) are
   * stored in the database. Other servers are just names from outside: a bounded number of them is
   * remembered by this process.
   */
  failed(server: ServerName, isThere?: boolean, isDestination?: boolean): void;
  succeeded(server: ServerName): void;
  /** It is tried again at once, by the wish of an administrator. Resolves when that is written. */
  reset(server: ServerName): Promise<void>;
  /** The server sent us a request, so it is reachable again. */
  receivedFrom(server: ServerName): void;
  /** Called whenever a failing server is back. @returns the function that unsubscribes */
  onAwake(listener: (server: ServerName) => void): () => void;
  /** Waits until everything known has been written. */
  flush(): Promise<void>;
  /** Writes what is known and stops listening to other replicas. */
  stop(): Promise<void>;
}

interface Failure {
  readonly since: number;
  readonly until: number;
  readonly intervalMs: number;
  /** It answers, but unusably. Remembered by this process only. */
  readonly isThere?: boolean;
}

const FIRST_MS = 1_000;
const MAX_MS = 60 * 60_000;
/** A reachable server may be repaired at any moment. */
const MAX_THERE_MS = 60_000;
/** The factor by which the pause grows. Failures during a pause do not count. */
const GROWTH = 2;
/** Servers that nobody wanted to ask for this long are forgotten. */
const MAX_STRANGERS = 10_000;
const FORGOTTEN_MS = 7 * 24 * 60 * 60_000;

export interface BackoffOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Tells the other replicas which servers' rows have changed. Absent: there is one replica. */
  readonly changes?: Channel<ServerName> | undefined;
}

/** Loads the failing servers: only those have a row. */
export async function createBackoff(options: BackoffOptions): Promise<Backoff> {
  const { sql, clock, random, log, changes } = options;
  /** Destinations: these are stored. */
  const failures = new Map<ServerName, Failure>();
  const strangers = new LRUCache<ServerName, Failure>(atMost(MAX_STRANGERS));
  const failureOf = (server: ServerName) => failures.get(server) ?? strangers.get(server);
  const listeners = new Set<(server: ServerName) => void>();
  /** How many of our own findings about a server are not written yet. */
  const unwritten = new Map<ServerName, number>();
  let writing: Promise<unknown> = Promise.resolve();

  function write(task: () => Promise<unknown>): void {
    writing = writing.then(task).catch((error: unknown) => {
      log.warn({ err: error }, "back-off not written");
    });
  }

  /** Writes our own findings, and tells the other replicas. */
  function publish(server: ServerName, task: () => Promise<void>): void {
    unwritten.set(server, (unwritten.get(server) ?? 0) + 1);
    write(async () => {
      try {
        await task();
        changes?.publish(server);
      } finally {
        const left = unwritten.get(server)! - 1;
        if (left > 0) unwritten.set(server, left);
        else unwritten.delete(server);
      }
    });
  }

  function awake(server: ServerName): void {
    log.info({ server }, "server is back");
    for (const listener of listeners) listener(server);
  }

  function recovered(server: ServerName): void {
    if (strangers.delete(server)) awake(server);
    if (!failures.delete(server)) return;
    publish(server, () => rows.deleteFailure(sql, server));
    awake(server);
  }

  /** Adopts what another replica has written, unless this one knows something newer. */
  function adopt(server: ServerName, row: Failure | undefined): void {
    if (unwritten.has(server)) return;
    if (row !== undefined) failures.set(server, row);
    else if (failures.delete(server)) awake(server);
  }

  async function load(): Promise<void> {
    const written = new Map((await rows.loadFailures(sql)).map((row) => [row.server, row]));
    for (const server of new Set([...written.keys(), ...failures.keys()])) {
      adopt(server, written.get(server));
    }
  }

  const unsubscribe = changes?.subscribe((server) => {
    write(async () => adopt(server, await rows.findFailure(sql, server)));
  });
  // Messages that arrived meanwhile were lost.
  const unwatch = changes?.onReconnect(() => write(load));
  await rows.deleteOldFailures(sql, clock.now() - FORGOTTEN_MS);
  await load();

  function waitMs(server: ServerName): number {
    return Math.max(0, (failureOf(server)?.until ?? 0) - clock.now());
  }

  return {
    waitMs,
    mayTry: (server) => waitMs(server) === 0,
    failingSince: (server) => failureOf(server)?.since,
    failed(server, isThere = false, isDestination = true) {
      const before = failureOf(server);
      const isKept = isDestination || failures.has(server);
      const now = clock.now();
      if (before && before.until > now && (!isKept || failures.has(server))) return;
      const longest = isThere ? MAX_THERE_MS : MAX_MS;
      const intervalMs = Math.min(longest, before ? before.intervalMs * GROWTH : FIRST_MS);
      // Randomised by ±20 %, so that not all servers are retried at the same moment.
      const jitter = 0.8 + random.integer(400) / 1000;
      const failure = {
        since: before?.since ?? now,
        until: now + Math.round(intervalMs * jitter),
        intervalMs,
      };
      if (isKept) strangers.delete(server);
      (isKept ? failures : strangers).set(server, { ...failure, isThere });
      log.debug({ server, intervalMs }, "server does not answer");
      if (isKept)
        publish(server, () => rows.upsertFailure(sql, { server, ...failure, tried: now }));
    },
    succeeded: recovered,
    async reset(server) {
      strangers.delete(server);
      failures.delete(server);
      // Also a row that another replica has written just now.
      publish(server, () => rows.deleteFailure(sql, server));
      await writing;
      awake(server);
    },
    receivedFrom(server) {
      if (failureOf(server)?.isThere === true && waitMs(server) > 0) return;
      recovered(server);
    },
    onAwake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async flush() {
      await writing;
    },
    async stop() {
      unsubscribe?.();
      unwatch?.();
      await writing;
    },
  };
}
