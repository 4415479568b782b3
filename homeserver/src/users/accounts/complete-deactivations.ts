import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { Deactivation } from "./deactivation.ts";

const EVERY_MS = 600_000;

/**
 * In the background closed accounts leave the rooms that they are still in: at once where a stop
 * kept them there, be it of another replica, and again where leaving failed. Returns what ends it.
 */
export function completeDeactivations(deps: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
  readonly deactivation: Pick<Deactivation, "resume">;
}): () => Promise<void> {
  const { clock, logger, leases, deactivation } = deps;
  const stopping = new AbortController();
  const running = whileLeader(leases, "closed-accounts", stopping.signal, async (signal) => {
    while (!signal.aborted) {
      await deactivation.resume().catch((err: unknown) => {
        logger.warn({ err }, "closed accounts in rooms can't be looked for; trying again");
      });
      await clock.sleep(EVERY_MS, signal);
    }
  });
  return async () => {
    stopping.abort();
    await running;
  };
}
