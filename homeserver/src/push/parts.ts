/** What a session consists of. */
import type { Clock } from "../platform/clock.ts";
import { createActivations } from "./activations.ts";
import { createAudiences } from "./audience.ts";
import { createBadges } from "./badges.ts";
import { createCatchUp } from "./catch-up.ts";
import { createDelivery } from "./delivery.ts";
import { createEmailPusher } from "./email-pusher.ts";
import { createEvaluation } from "./evaluation.ts";
import { createHttpPusher } from "./http-pusher.ts";
import { createLanes } from "./lanes.ts";
import { createNotes } from "./notes.ts";
import { createPusherStates } from "./pusher-states.ts";
import type { PushDeps } from "./types.ts";
import { createWebPusher } from "./web-pusher.ts";

/** How long requests under way may take at a stop. */
const END_MS = 2_000;

export function createParts(deps: PushDeps, signal: AbortSignal, evaluatedTo: () => number) {
  const { sql, log, view, clock, random, logger, serverName, users } = deps;
  const states = createPusherStates({ sql });
  const notes = createNotes({ sql, clock, logger, signal });
  const badges = createBadges({
    ...{ sql, view, unread: deps.unread },
    ignoredBy: users.ignores.of,
    inviteVerdict: users.invitePermissions.verdict,
    position: () => log.position,
  });
  const { gateways, webPush } = deps;
  const delivery = createDelivery({
    ...{ log, view, badges, clock, logger },
    http: createHttpPusher(gateways),
    web: createWebPusher({ gateways, clock, random, ...webPush }),
    onCounted: (state) => void lanes.badge(state),
  });
  const end = aWhileAfter(signal, clock);
  const shared = { states, delivery, notes, clock, random, logger, signal, end, evaluatedTo };
  const email = createEmailPusher({
    ...{ sql, clock, logger, notified: deps.notified, delivery, notes, states, evaluatedTo },
    plan: (state) => catchUp.plan(state),
    email: deps.email,
  });
  const catchUp = createCatchUp({
    ...{ ...shared, sql, notified: deps.notified, email },
    onCaughtUp: (state) => void lanes.badge(state),
  });
  const lanes = createLanes({ ...shared, onBehind: (state) => catchUp.plan(state) });
  const activate = createActivations({ delivery, clock, logger, signal, end });
  const audiences = createAudiences({
    ...{ sql, serverName },
    hasPushers: async (userId) => (await states.of([userId])).get(userId)!.length > 0,
  });
  const evaluation = createEvaluation({
    ...{ view, serverName, audiences, states, contexts: deps.contexts },
    followedThreads: deps.followedThreads,
    rulesOf: users.pushRules.compiled,
    ignores: users.ignores,
    inviteVerdict: users.invitePermissions.verdict,
  });
  return { states, notes, badges, lanes, email, catchUp, activate, audiences, evaluation };
}

/** Aborts a while after the signal. */
function aWhileAfter(signal: AbortSignal, clock: Clock): AbortSignal {
  const end = new AbortController();
  const begin = () => {
    void clock.sleep(END_MS).then(() => end.abort(new Error("the server stops")));
  };
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  return end.signal;
}
