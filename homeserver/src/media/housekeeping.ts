import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type Leases, whileLeader } from "../storage/leases.ts";
import type { Media } from "./types.ts";

export interface HousekeepingDeps {
  readonly media: Pick<Media, "tidy" | "administration">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas: then one of them does it. */
  readonly leases: Leases | undefined;
}

const EVERY_MS = 10 * 60_000;

/** How often the replica that deletes old files looks for wishes of others. */
const LOOK_MS = 3_000;
/** The same where there is no other. */
const LOOK_ALONE_MS = 180_000;

/**
 * Tidies the files up, at once and again and again, and does what administrators want deleted.
 * Returns what ends it.
 */
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

  async function runDeletions(): Promise<void> {
    const { deletions } = media.administration;
    const pause = deps.leases === undefined ? LOOK_ALONE_MS : LOOK_MS;
    await whileLeader(deps.leases, "media-deletions", stopping.signal, async (signal) => {
      while (!signal.aborted) {
        const { begun } = deletions;
        await deletions.work(signal).catch((err: unknown) => {
          logger.warn({ err }, "old files are deleted later");
        });
        await clock.sleep(pause, AbortSignal.any([signal, begun]));
      }
    });
  }

  const running = Promise.all([run(), runDeletions()]);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
