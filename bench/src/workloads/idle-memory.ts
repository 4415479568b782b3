import { setTimeout as sleep } from "node:timers/promises";
import { memoryOf } from "../targets/processes.ts";
import { type Workload, observe } from "./workload.ts";

/** Comes first of all workloads, since what a server has cached it does not give back. */
export const idleMemory: Workload = {
  name: "idle-memory",
  about: "memory of the server's and the database's processes after some idle time",
  async run(context) {
    const { target, settings } = context;
    const end = await observe(context);
    await sleep(settings.idleSeconds * 1000);
    const use = await end();
    const { server, database, counts } = memoryOf(target.pids);
    return [
      {
        workload: "idle-memory",
        target: target.name,
        cell: `${settings.idleSeconds} s idle`,
        unit: "second",
        units: settings.idleSeconds,
        seconds: use.seconds,
        latencies: undefined,
        use,
        memory: { server, database },
        errors: 0,
        firstError: undefined,
        wrong:
          counts.server + counts.database === 0 ? "no process is known: name a pidfile" : undefined,
        note: `${counts.server} + ${counts.database} processes`,
      },
    ];
  },
};
