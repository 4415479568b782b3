import type { Backoff } from "../../federation-client/requests/backoff.ts";
import type { Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import * as rows from "../../storage/federation/remote-devices.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { Sql } from "../../storage/sql.ts";
import type { ListReader } from "./list-reader.ts";
import type { RemoteLists } from "./remote-lists.ts";

/** Reads stale lists anew in the background, on one replica. */
export interface Resync {
  stop(): Promise<void>;
}

/** Lists that are read at once, in all and of one server. */
const AT_ONCE = 16;
const PER_SERVER = 2;
const BATCH = 100;
/** Without a reason to look sooner. */
const LOOK_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 60 * 60_000;
const SWEEP_BATCH = 1_000;
const AFTER_ERROR_MS = 5_000;

export interface ResyncDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
  readonly serverName: ServerName;
  readonly backoff: Pick<Backoff, "waitMs" | "onAwake">;
  readonly lists: RemoteLists;
  readonly reader: ListReader;
}

export function createResync(deps: ResyncDeps): Resync {
  const { sql, log, clock, logger, leases, serverName, backoff, lists, reader } = deps;
  const stopping = new AbortController();
  /** Reads that are under way, by user. */
  const running = new Map<UserId, { server: ServerName; done: Promise<void> }>();
  let nap = new AbortController();
  /** Servers that are reachable again. */
  const awake = new Set<ServerName>();
  let sweptAt = -Infinity;

  function wake(): void {
    nap.abort("woken");
  }

  const unfollow = log.follow({
    phase: "readers",
    kinds: ["device_list"],
    take(records) {
      if (records.some(({ deviceId }) => deviceId === "")) wake();
    },
  });
  const unheard = lists.onStale(wake);
  const unlisten = backoff.onAwake((server) => {
    awake.add(server);
    wake();
  });

  const runningOf = (server: ServerName) =>
    [...running.values()].filter((read) => read.server === server).length;

  /** Reads one list, unless no room is shared any more. Failures are noted with the list. */
  async function resync(server: ServerName, userId: UserId): Promise<void> {
    const known = (await lists.look([userId])).get(userId)!;
    if (!known.isShared) return rows.deleteRemoteList(sql, userId);
    if (known.isFresh) return;
    const wanted = { userId, deviceIds: [], isKept: true, changes: known.changes };
    await reader.read(server, [wanted]);
  }

  function start(server: ServerName, userId: UserId): void {
    const done = resync(server, userId)
      .catch(async (err: unknown) => {
        logger.warn({ err, userId }, "a stale list of devices could not be read anew");
        await clock.sleep(AFTER_ERROR_MS, stopping.signal);
      })
      .finally(() => {
        running.delete(userId);
        wake();
      });
    running.set(userId, { server, done });
  }

  /** Begins to read what is due and can be read now. Returns whether there may be more. */
  async function step(): Promise<boolean> {
    for (const server of awake) {
      awake.delete(server);
      await rows.postponeResyncs(sql, server, clock.now());
    }
    const servers = [...running.values()].map(({ server }) => server);
    const busy = servers.filter((server) => runningOf(server) >= PER_SERVER);
    const due = await rows.listsToResync(sql, { now: clock.now(), without: busy, limit: BATCH });
    const asleep = new Set<ServerName>();
    let begun = 0;
    for (const { userId, server } of due) {
      if (backoff.waitMs(server) > 0) asleep.add(server);
      const isFree = running.size < AT_ONCE && runningOf(server) < PER_SERVER;
      if (asleep.has(server) || !isFree || running.has(userId)) continue;
      start(server, userId);
      begun += 1;
    }
    for (const server of asleep) {
      await rows.postponeResyncs(sql, server, clock.now() + Math.max(backoff.waitMs(server), 1));
    }
    return begun + asleep.size > 0 && running.size < AT_ONCE;
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    sweptAt = clock.monotonic();
    for (let after: string | undefined = ""; after !== undefined && !signal.aborted;) {
      after = await rows.deleteUnsharedLists(sql, serverName, after, SWEEP_BATCH);
    }
  }

  async function work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      nap = new AbortController();
      let pause = AFTER_ERROR_MS;
      try {
        if (clock.monotonic() - sweptAt >= SWEEP_EVERY_MS) await sweep(signal);
        if (await step()) continue;
        // What is due by now waits for a read that is under way, which wakes this.
        const next = await rows.nextResync(sql, clock.now());
        pause = next === undefined ? LOOK_EVERY_MS : Math.min(next - clock.now(), LOOK_EVERY_MS);
      } catch (err) {
        logger.warn({ err }, "stale lists of devices could not be looked up; trying again");
      }
      await clock.sleep(Math.max(pause, 0), AbortSignal.any([signal, nap.signal]));
    }
    await Promise.all([...running.values()].map(({ done }) => done));
  }

  const working = whileLeader(leases, "device-lists", stopping.signal, work);

  return {
    async stop() {
      stopping.abort();
      unfollow();
      unheard();
      unlisten();
      await working;
    },
  };
}
