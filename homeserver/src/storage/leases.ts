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
/** How long one waits until a lease that is given up is free. */
const LEAVE_MS = 1_000;
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
  /** False while the database answers nothing: then nobody waits for it in order to leave. */
  let isAnswering = true;

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
    isAnswering = true;
    const { lost } = inSession(row.pid);
    if (!row.taken) return undefined;
    const leave = async () => {
      if (lost.signal.aborted) return;
      const unlocked = sql`SELECT pg_advisory_unlock(${LOCK_CLASS}, hashtext(${name}))`.then(
        () => true,
        () => false,
      );
      // Where it is not answered, the lock ends with the connection.
      if (isAnswering) isAnswering = await within(LEAVE_MS, unlocked);
    };
    return { lost: lost.signal, leave };
  }

  /** The answer, if it comes in time; else false. */
  async function within(ms: number, answer: Promise<boolean>): Promise<boolean> {
    const late = new AbortController();
    const isInTime = await Promise.race([answer, clock.sleep(ms, late.signal).then(() => false)]);
    late.abort();
    return isInTime;
  }

  /** What is taken, unless `stop` aborts first: then it is left again as soon as it was taken. */
  async function takeUntil(name: string, stop: AbortSignal): Promise<Lease | undefined> {
    const taking = tryTake(name).catch(() => undefined);
    const over = new AbortController();
    const stopped = new Promise<"stopped">((resolve) => {
      stop.addEventListener("abort", () => resolve("stopped"), { signal: over.signal });
    });
    const first = await Promise.race([taking, stopped]);
    over.abort();
    if (first !== "stopped") return first;
    void taking.then((lease) => lease?.leave());
    return undefined;
  }

  return {
    async take(name, stop) {
      while (!stop.aborted && !closing.signal.aborted) {
        const lease = await takeUntil(name, stop);
        if (lease !== undefined) return lease;
        await clock.sleep(POLL_MS, stop);
      }
      return undefined;
    },
    async close() {
      closing.abort();
      endSession();
      // What is still asked of the database fails then.
      await sql.end({ timeout: 1 });
      await watching;
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
