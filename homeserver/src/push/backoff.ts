import type { Random } from "../platform/random.ts";
import type { GatewayFailed } from "./gateways.ts";

const FIRST_MS = 1_000;
const MAX_MS = 3_600_000;

/** How long a pusher waits that has failed so often in a row: ms, doubling from a second to an hour. */
export function pauseAfter(failures: number, error: unknown, random: Random): number {
  const pause = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 20), MAX_MS);
  const asked = (error as Partial<GatewayFailed> | undefined)?.retryAfterMs ?? 0;
  // Pushers of one gateway do not come back all at once.
  const spread = 1 + random.bytes(1)[0]! / 1_024;
  return Math.max(Math.ceil(pause * spread), asked);
}
