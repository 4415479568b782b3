import type { Latencies } from "../load/latencies.ts";
import { type LoopResult, closedLoop, type Loop } from "../load/closed-loop.ts";
import type { Profiler } from "../profile/profiler.ts";
import type { Certificates } from "../targets/certificates.ts";
import { type Use, startMeter } from "../targets/meter.ts";
import type { MemoryUse } from "../targets/processes.ts";
import type { Target } from "../targets/target.ts";

export interface Settings {
  /** The measured window, and what runs before it. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** 0: the workload's own numbers. */
  readonly clients: number;
  readonly rooms: number;
  /** Sends a second, where the load is an open loop. */
  readonly rates: readonly number[];
  /** PDUs signed ahead for each room version. */
  readonly pdus: number;
  readonly idleSeconds: number;
  /** Of the room that is joined. */
  readonly members: number;
  readonly stateEvents: number;
  /** Of the encrypted room. */
  readonly encryptedMembers: number;
  /** Further members of the room in sync-idle, who wait for nothing. */
  readonly absent: number;
  /** That are searched. */
  readonly messages: number;
}

export interface Context {
  readonly target: Target;
  readonly settings: Settings;
  readonly certificates: Certificates;
  readonly profiler: Profiler | undefined;
  /** Tells the person who waits. */
  say(line: string): void;
}

export interface Result {
  readonly workload: string;
  readonly target: string;
  /** What distinguishes this cell from the workload's others, such as "v12"; may be empty. */
  readonly cell: string;
  /** What one operation is: "send", "sync", "PDU". */
  readonly unit: string;
  readonly units: number;
  readonly seconds: number;
  /** Milliseconds of one request (or from send to sight). */
  readonly latencies: Latencies | undefined;
  readonly use: Use | undefined;
  readonly memory: { readonly server: MemoryUse; readonly database: MemoryUse } | undefined;
  readonly errors: number;
  readonly firstError: string | undefined;
  /** What the check afterwards found wrong; undefined: nothing. */
  readonly wrong: string | undefined;
  readonly note: string;
}

export interface Workload {
  readonly name: string;
  readonly about: string;
  run(context: Context): Promise<Result[]>;
}

/** Counts CPU, and profiles when that is wanted, from now until the returned function is called. */
export async function observe({ profiler, target }: Context): Promise<() => Promise<Use>> {
  await profiler?.start();
  const stopMeter = startMeter(target);
  return async () => {
    const use = stopMeter();
    return { ...use, profile: await profiler?.stop() };
  };
}

type Work = Pick<Loop, "lanes" | "operate" | "settle"> & { warmUpSeconds?: number };

/** A closed loop with the settings' times, and what it cost. */
export async function measuredLoop(
  context: Context,
  work: Work,
): Promise<LoopResult & { use: Use }> {
  const { seconds, warmUpSeconds } = context.settings;
  let end: (() => Promise<Use>) | undefined;
  let use: Use | undefined;
  const loop: Loop = {
    seconds,
    warmUpSeconds,
    ...work,
    async opened() {
      end = await observe(context);
    },
    async closed() {
      use = await end?.();
    },
  };
  const result = await closedLoop(loop);
  return { ...result, use: use! };
}

/** The parts of a result that a loop gives. */
export function loopFigures(loop: LoopResult & { use: Use }) {
  return {
    units: loop.units,
    seconds: loop.seconds,
    latencies: loop.latencies.summary(),
    use: loop.use,
    errors: loop.errors,
    firstError: loop.firstError,
    memory: undefined,
  };
}
