import { type Inspector, openInspector } from "./inspector.ts";
import type { CpuProfile } from "./cpu-profile.ts";

/** Profiles the main thread of a server just while a workload is measured, not its start and set-up. */
export interface Profiler {
  start(): Promise<void>;
  stop(): Promise<CpuProfile>;
  close(): void;
}

const INTERVAL_MICROS = 400;

export async function createProfiler(port: number): Promise<Profiler> {
  const inspector: Inspector = await openInspector(port);
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: INTERVAL_MICROS });
  return {
    async start() {
      await inspector.send("Profiler.start");
    },
    async stop() {
      const { profile } = (await inspector.send("Profiler.stop")) as { profile: CpuProfile };
      return profile;
    },
    close: () => inspector.close(),
  };
}
