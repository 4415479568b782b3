import type { CpuProfile } from "../profile/cpu-profile.ts";
import type { Target } from "./target.ts";
import { machineUse, processTree, processUse, threadUse } from "./processes.ts";

/** What a stretch of time cost. CPU in microseconds. */
export interface Use {
  readonly seconds: number;
  readonly server: number;
  readonly database: number;
  readonly driver: number;
  /** CPU of the server's threads by name, the main one first; libuv's and V8's helpers are several. */
  readonly threads: readonly { name: string; cpu: number }[];
  /** Shares of the whole machine's time. */
  readonly steal: number;
  readonly others: number;
  /** Of the server's main thread, when it was asked for. */
  readonly profile?: CpuProfile | undefined;
}

/** Starts to count; the returned function ends it. */
export function startMeter(target: Target): () => Use {
  const before = snapshot(target);
  return () => difference(before, snapshot(target));
}

interface Snapshot {
  readonly at: number;
  readonly processes: ReturnType<typeof processUse>;
  readonly threads: ReturnType<typeof threadUse>;
  readonly driver: number;
  readonly machine: ReturnType<typeof machineUse>;
}

function snapshot({ pids }: Target): Snapshot {
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now(),
    processes: processUse(pids.flatMap(processTree)),
    threads: pids[0] === undefined ? [] : threadUse(pids[0]),
    driver: user + system,
    machine: machineUse(),
  };
}

function difference(before: Snapshot, after: Snapshot): Use {
  const earlier = new Map(before.processes.map(({ pid, cpu }) => [pid, cpu]));
  let [server, database] = [0, 0];
  for (const { pid, cpu, isDatabase } of after.processes) {
    const spent = cpu - (earlier.get(pid) ?? 0);
    if (isDatabase) database += spent;
    else server += spent;
  }
  const driver = after.driver - before.driver;
  const all = after.machine.all - before.machine.all || 1;
  const busy = after.machine.busy - before.machine.busy;
  return {
    seconds: (after.at - before.at) / 1000,
    server,
    database,
    driver,
    threads: byThread(before, after),
    steal: (after.machine.steal - before.machine.steal) / all,
    others: Math.max(0, (busy - server - database - driver) / all),
  };
}

function byThread(before: Snapshot, after: Snapshot): { name: string; cpu: number }[] {
  const earlier = new Map(before.threads.map(({ tid, cpu }) => [tid, cpu]));
  const sums = new Map<string, number>();
  for (const { tid, name, isMain, cpu } of after.threads) {
    const key = isMain ? "main" : name;
    sums.set(key, (sums.get(key) ?? 0) + cpu - (earlier.get(tid) ?? 0));
  }
  return [...sums].map(([name, cpu]) => ({ name, cpu })).filter(({ cpu }) => cpu > 0);
}
