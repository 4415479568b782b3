/** Tells push gateways what notifies users. (Client-server API, "Push Notifications"; Push Gateway API.) */
import type { FollowerOptions } from "../log/follow.ts";
import { loadCursor } from "../storage/streams/cursors.ts";
import { createSession, PUSHED, type PushSession } from "./session.ts";
import type { PushDeps } from "./types.ts";

export { createGateways } from "./gateways.ts";

const NAME = "push";
/**
 * Batches of records whose notifications are on their way. Each takes half a second at most, until
 * what its gateways have not taken is noted.
 */
const ON_THEIR_WAY = 2_000;

/** To follow the log on one replica at a time; `ended` is to be awaited when that has stopped. */
export function createPush(deps: PushDeps): {
  readonly follower: FollowerOptions<(typeof PUSHED)[number]>;
  ended(): Promise<void>;
} {
  let session: PushSession | undefined;
  return {
    follower: {
      name: NAME,
      kinds: PUSHED,
      from: "end",
      concurrency: ON_THEIR_WAY,
      async begin(signal) {
        session = createSession(deps, signal);
        await session.begin((await loadCursor(deps.sql, NAME)) ?? deps.log.position);
      },
      handle: (records) => session!.take(records),
    },
    ended: async () => session?.ended(),
  };
}
