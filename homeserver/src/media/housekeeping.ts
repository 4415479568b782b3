import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type Leases, whileLeader } from "../storage/leases.ts";
import type { Media } from "./types.ts";

export interface HousekeepingDeps {
  readonly media: Pick<Media, "tidy">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas: then one of them does it. */
  readonly leases: Leases | undefined;
}

const EVERY_MS = 10 * 60_000;

/** Tidies the files up, at once and again and again. Returns what ends it. */
export function startHousekeeping(deps: HousekeepingDeps): { stop(): Promise<void> } {
  const { media, clock, logger } = deps;
  const stopping = new AbortController();

  async function run(): Promise<void> {
    await whileLeader(deps.leases, "media", stopping.signal, async (signal) => {
      while (!signal.aborted) {
        await media.tidy(signal).catch((err: unknown) => {
          logger.warn({ err }, "the files of media are tidied up later");
        });
        await clock.sleep(EVERY_MS, signal);
      }
    });
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
