import { readFileSync, readdirSync } from "node:fs";

export interface ProcessUse {
  readonly pid: number;
  readonly name: string;
  readonly isDatabase: boolean;
  /** CPU since its start, microseconds. */
  readonly cpu: number;
}

export interface ThreadUse {
  readonly tid: number;
  readonly name: string;
  readonly isMain: boolean;
  /** CPU since its start, microseconds. */
  readonly cpu: number;
}

/** Bytes. */
export interface MemoryUse {
  readonly rss: number;
  /** Shared pages divided by their sharers: what sums over processes are to be made of. */
  readonly pss: number;
}

/** USER_HZ is 100 wherever Linux runs. */
const TICK_MICROS = 10_000;

/** The process and all below it; processes that end meanwhile are left out. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    const stat = Number.isInteger(pid) ? readStat(`/proc/${pid}/stat`) : undefined;
    if (stat) children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

export function processUse(pids: readonly number[]): ProcessUse[] {
  return pids.flatMap((pid) => {
    const stat = readStat(`/proc/${pid}/stat`);
    if (!stat) return [];
    return [{ pid, name: stat.name, isDatabase: stat.name.startsWith("postgres"), cpu: stat.cpu }];
  });
}

export function threadUse(pid: number): ThreadUse[] {
  return list(`/proc/${pid}/task`).flatMap((entry) => {
    const stat = readStat(`/proc/${pid}/task/${entry}/stat`);
    const tid = Number(entry);
    return stat ? [{ tid, name: stat.name, isMain: tid === pid, cpu: stat.cpu }] : [];
  });
}

function memoryUse(pids: readonly number[]): MemoryUse {
  let [rss, pss] = [0, 0];
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`) ?? "";
    rss += Number(/^Rss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
    pss += Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  }
  return { rss, pss };
}

/** Of the process trees of a target: the server's own processes, and the database's. */
export function memoryOf(roots: readonly number[]): {
  readonly server: MemoryUse;
  readonly database: MemoryUse;
  readonly counts: { readonly server: number; readonly database: number };
} {
  const processes = processUse(roots.flatMap(processTree));
  const pids = (isDatabase: boolean) =>
    processes.filter((one) => one.isDatabase === isDatabase).map(({ pid }) => pid);
  const [server, database] = [pids(false), pids(true)];
  return {
    server: memoryUse(server),
    database: memoryUse(database),
    counts: { server: server.length, database: database.length },
  };
}

/** The whole machine's CPU time since its start, microseconds. */
export function machineUse(): { busy: number; steal: number; all: number } {
  const [first = ""] = (read("/proc/stat") ?? "").split("\n");
  const ticks = first.trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = ticks;
  const busy = user + nice + system + irq + soft;
  const all = busy + idle + wait + steal;
  return { busy: busy * TICK_MICROS, steal: steal * TICK_MICROS, all: all * TICK_MICROS };
}

function readStat(file: string): { name: string; parent: number; cpu: number } | undefined {
  const text = read(file);
  if (text === undefined) return undefined;
  // pid (name) state ppid … utime(14) stime(15): the name may hold spaces and brackets.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const cpu = (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  return { name: text.slice(text.indexOf("(") + 1, end), parent: Number(fields[1]), cpu };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
