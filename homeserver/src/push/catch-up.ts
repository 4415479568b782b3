/** Pushers that are behind: what they have missed is found in the tables, and told when they can be reached. */
import type { Notified, NotifiedEvent } from "../notifications/notified.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { createSemaphore } from "../platform/semaphore.ts";
import { findPusher, pushersBehind } from "../storage/push/told.ts";
import type { Sql } from "../storage/sql.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { pauseAfter } from "./backoff.ts";
import type { Delivery } from "./delivery.ts";
import type { EmailPusher } from "./email-pusher.ts";
import { GatewayFailed } from "./gateways.ts";
import { noteOf, type Notes } from "./notes.ts";
import type { PusherStates } from "./pusher-states.ts";
import type { Item, PusherState } from "./types.ts";

export interface CatchUp {
  /** Reads which pushers are behind, and works until the signal aborts. */
  begin(): Promise<void>;
  /** The pusher is to be tried again at its `retryTs`. */
  plan(state: Pick<PusherState, "pusherId" | "retryTs">): void;
  /** Resolves when no request is under way. */
  idle(): Promise<void>;
}

export interface CatchUpDeps {
  readonly sql: Sql;
  readonly states: PusherStates;
  readonly notified: Notified;
  readonly delivery: Delivery;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Position up to which the log has been evaluated: what comes after it is told as it comes. */
  readonly evaluatedTo: () => number;
  /** For pushers that write e-mail: it is time. */
  readonly email: Pick<EmailPusher, "send">;
  /** The pusher has caught up. */
  readonly onCaughtUp: (state: PusherState) => void;
  readonly signal: AbortSignal;
  readonly end: AbortSignal;
}

/** A notification of longer ago is no news. */
export const MAX_AGE_MS = 3_600_000;
const PAGE = 100;
/** Pushers at once. */
const AT_ONCE = 64;
const LEAST_PAUSE_MS = 50;
const LONG_MS = 3_600_000;

export function createCatchUp(deps: CatchUpDeps): CatchUp {
  const { sql, states, notified, delivery, notes, clock, random, logger, signal } = deps;
  const how = { isRetry: true, signal: deps.end };
  /** When each is tried again: ms since 1970. */
  const due = new Map<number, number>();
  const running = new Map<number, Promise<void>>();
  const places = createSemaphore(AT_ONCE);
  let wake = new AbortController();

  async function stateOf(pusherId: number): Promise<PusherState | undefined> {
    const row = await findPusher(sql, pusherId);
    if (row === undefined) return undefined;
    const userId = row.userId as UserId;
    const all = (await states.of([userId])).get(userId) ?? [];
    return all.find((state) => state.pusherId === pusherId);
  }

  /** Tells what was missed, the oldest first. */
  async function catchUp(state: PusherState): Promise<void> {
    if (state.row.ackToken !== null) state.isBehind = false;
    while (!signal.aborted && !state.isGone && state.isBehind) {
      const upTo = deps.evaluatedTo();
      const since = clock.now() - MAX_AGE_MS;
      const range = { after: state.toldTo, upTo, limit: PAGE, newestFirst: false, since };
      const { events, lookedTo } = await notified(state.userId, range);
      for (const event of events) {
        if (signal.aborted || state.isGone) return;
        await delivery.event(state, itemOf(state.userId, event), how);
        state.toldTo = event.position;
        void notes.note(noteOf(state));
      }
      state.toldTo = Math.max(state.toldTo, lookedTo ?? upTo);
      if (lookedTo !== undefined || deps.evaluatedTo() !== upTo) continue;
      // From here on it is told as it comes.
      state.isBehind = false;
      state.failures = 0;
      deps.onCaughtUp(state);
      return;
    }
  }

  async function tryAgain(pusherId: number): Promise<void> {
    const state = await stateOf(pusherId);
    // It was deleted, or has caught up already.
    if (state === undefined || !state.isBehind) return;
    states.hold(state);
    try {
      if (state.row.kind === "email") await deps.email.send(state);
      else await catchUp(state);
    } catch (error) {
      if (signal.aborted) return;
      state.failures += 1;
      state.retryTs = clock.now() + pauseAfter(state.failures, error, random);
      if (!(error instanceof GatewayFailed)) {
        logger.warn({ err: error, userId: state.userId }, "a notification failed again");
      }
      plan(state);
    } finally {
      await notes.note(noteOf(state));
      states.rest(state);
    }
  }

  function start(pusherId: number): void {
    due.delete(pusherId);
    const run = (async () => {
      const leave = await places.acquire();
      try {
        if (!signal.aborted) await tryAgain(pusherId);
      } catch (err) {
        logger.warn({ err }, "a pusher could not be read");
        plan({ pusherId, retryTs: clock.now() + MAX_AGE_MS / 60 });
      } finally {
        leave?.();
        running.delete(pusherId);
        wake.abort("over");
      }
    })();
    running.set(pusherId, run);
  }

  function plan({ pusherId, retryTs }: Pick<PusherState, "pusherId" | "retryTs">): void {
    due.set(pusherId, retryTs);
    wake.abort("over");
  }

  async function work(): Promise<void> {
    while (!signal.aborted) {
      let next = clock.now() + LONG_MS;
      for (const [pusherId, retryTs] of due) {
        if (running.has(pusherId)) continue;
        if (retryTs <= clock.now()) start(pusherId);
        else next = Math.min(next, retryTs);
      }
      wake = new AbortController();
      // Many that fail at once are looked through once.
      await clock.sleep(LEAST_PAUSE_MS, signal);
      await clock.sleep(Math.max(next - clock.now(), 0), AbortSignal.any([signal, wake.signal]));
    }
  }

  return {
    async begin() {
      for (const behind of await pushersBehind(sql)) due.set(behind.pusherId, behind.retryTs);
      void work();
    },
    plan,
    idle: async () => {
      await Promise.all(running.values());
    },
  };
}

function itemOf(userId: UserId, event: NotifiedEvent): Item {
  const { stored, room, position, isInvite, outcome } = event;
  return { userId, room, eventNid: stored.nid, position, isInvite, outcome };
}
