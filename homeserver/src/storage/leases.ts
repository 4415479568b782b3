import type { Clock } from "../platform/clock.ts";
import type { Sql } from "./sql.ts";

/**
 * Leases for background work that only one replica does at a time, such as following the log for
 * push.
 */
export interface Leases {
  /**
   * Waits until this replica has the lease of that name. The signal aborts when it is lost along
   * with its connection: another replica may have it already. Undefined when `stop` aborts first.
   */
  take(name: string, stop: AbortSignal): Promise<Lease | undefined>;
  /** Gives up all leases. */
  close(): Promise<void>;
}

interface Lease {
  readonly lost: AbortSignal;
  leave(): Promise<void>;
}

const POLL_MS = 1_000;
const HEARTBEAT_MS = 3_000;
/** Any constant will do, as long as every Weft uses the same. */
const LOCK_CLASS = 7_733_003;

/** One session of the database, and the signal of its end. */
interface Session {
  pid: number;
  lost: AbortController;
}

/**
 * Leases are advisory locks of one connection, which end with the process, however that ends. `sql`
 * is a client of its own with `max: 1`; `close` closes it.
 */
export function createLeases(deps: { sql: Sql; clock: Clock }): Leases {
  const { sql, clock } = deps;
  const closing = new AbortController();
  let session: Session | undefined;
  let watching: Promise<void> | undefined;

  /**
   * Notices in which session we are: after a lost connection the client connects again, in a
   * session without our locks.
   */
  function inSession(pid: number): Session {
    if (session?.pid === pid) return session;
    endSession();
    session = { pid, lost: new AbortController() };
    watching ??= watch();
    return session;
  }

  function endSession(): void {
    session?.lost.abort();
    session = undefined;
  }

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(HEARTBEAT_MS, closing.signal);
      try {
        const [row] = await sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
        if (row !== undefined && row.pid !== session?.pid) endSession();
      } catch {
        endSession();
      }
    }
  }

  async function tryTake(name: string): Promise<Lease | undefined> {
    const [row] = await sql<{ pid: number; taken: boolean }[]>`
      SELECT pg_backend_pid() AS pid, pg_try_advisory_lock(${LOCK_CLASS}, hashtext(${name})) AS taken`;
    if (row === undefined) return undefined;
    const { lost } = inSession(row.pid);
    if (!row.taken) return undefined;
    const leave = async () => {
      if (lost.signal.aborted) return;
      await sql`SELECT pg_advisory_unlock(${LOCK_CLASS}, hashtext(${name}))`.catch(() => {});
    };
    return { lost: lost.signal, leave };
  }

  return {
    async take(name, stop) {
      while (!stop.aborted && !closing.signal.aborted) {
        const lease = await tryTake(name).catch(() => undefined);
        if (lease !== undefined) return lease;
        await clock.sleep(POLL_MS, stop);
      }
      return undefined;
    },
    async close() {
      closing.abort();
      endSession();
      await watching;
      await sql.end({ timeout: 1 });
    },
  };
}

/**
 * Does work while this replica has the lease, again each time it gets it back, until `stop` aborts.
 * Without `leases` there is one replica. The work's signal aborts when it has to end: at the stop,
 * or because the lease was lost.
 */
export async function whileLeader(
  leases: Leases | undefined,
  name: string,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!stop.aborted) {
    const lease = await leases?.take(name, stop);
    if (leases !== undefined && lease === undefined) return;
    await work(lease === undefined ? stop : AbortSignal.any([stop, lease.lost]));
    await lease?.leave();
  }
}
