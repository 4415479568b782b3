/** Tokens that pushers for web push have to send back: proof that their app hears the server. (MSC4174) */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Delivery } from "./delivery.ts";
import { GatewayFailed } from "./gateways.ts";
import type { PusherState } from "./types.ts";

/** Between attempts, while the token is good. */
const PAUSES_MS = [0, 1_000, 10_000, 60_000];
const TOKENS_KEPT = 10_000;

/** Sends each token once, in the background. */
export function createActivations(deps: {
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly end: AbortSignal;
}): (state: PusherState) => void {
  const { delivery, clock, logger, signal } = deps;
  const begun = new LRUCache<string, true>(atMost(TOKENS_KEPT));

  async function send(state: PusherState, token: string): Promise<void> {
    for (const pause of PAUSES_MS) {
      await clock.sleep(pause, signal);
      const isWanted = state.row.ackToken === token && state.row.ackExpires > clock.now();
      if (signal.aborted || state.isGone || !isWanted) return;
      try {
        await delivery.activation(state, { isRetry: pause > 0, signal: deps.end });
        return;
      } catch (err) {
        if (!(err instanceof GatewayFailed)) throw err;
      }
    }
  }

  return (state) => {
    const { ackToken: token } = state.row;
    if (token === null || begun.has(token)) return;
    begun.set(token, true);
    send(state, token).catch((err: unknown) => {
      logger.warn({ err, userId: state.userId }, "a pusher was not sent its token");
    });
  };
}
