/** What one pusher is to be told, one thing after another. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
import { pauseAfter } from "./backoff.ts";
import type { Delivery } from "./delivery.ts";
import { GatewayFailed } from "./gateways.ts";
import { noteOf, type Notes } from "./notes.ts";
import type { Item, PusherState } from "./types.ts";

export interface LaneDeps {
  readonly delivery: Delivery;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Position up to which the log has been evaluated. */
  readonly evaluatedTo: () => number;
  /** The pusher has to be tried again at its `retryTs`: that is noted. */
  readonly onBehind: (state: PusherState) => void;
  /** It has nothing to do any more. */
  readonly onIdle: (lane: Lane) => void;
  /** Nothing begins after it aborts. */
  readonly signal: AbortSignal;
  /** Aborts a while later: requests under way end. */
  readonly end: AbortSignal;
}

export interface Lane {
  readonly state: PusherState;
  /** Resolves when it is told, or noted that it is not; undefined: it need not be told. */
  event(item: Item): Promise<void> | undefined;
  badge(): Promise<void>;
  /** Notes that not everything is told. */
  mark(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** What waits for one pusher; with more than this it is behind. */
const MAX_WAITING = 100;
/** Receipts of several rooms are told as one. */
const BADGE_MS = 300;

export function createLane(state: PusherState, deps: LaneDeps): Lane {
  const { delivery, notes, clock, logger, signal } = deps;
  const how = { isRetry: false, signal: deps.end };
  let queue: { readonly item: Item; readonly done: PromiseWithResolvers<void> }[] = [];
  /** When it is told how much is unread, by the monotonic clock; undefined: it need not be. */
  let badgeAt: number | undefined;
  let badgeDone = Promise.withResolvers<void>();
  let badgeSending = badgeDone;
  /** More came than may wait. */
  let isOverfull = false;
  /** It is noted as behind, since something under way would be lost otherwise. */
  let isMarked = false;
  let addedTo = state.toldTo;
  let wake = new AbortController();
  let isRunning = false;
  let running: Promise<void> = Promise.resolve();

  const note = () => notes.note(noteOf(state, isMarked));

  function begin(): void {
    // What was evaluated before is told, or need not be.
    if (queue.length === 0) state.toldTo = Math.max(state.toldTo, deps.evaluatedTo());
  }

  function start(): void {
    wake.abort("over");
    if (isRunning || signal.aborted) return;
    isRunning = true;
    running = run();
  }

  async function run(): Promise<void> {
    while (!signal.aborted && !state.isGone && !state.isBehind) {
      try {
        if (isOverfull) await fallBehind(0);
        else if (!(await step())) break;
      } catch (error) {
        if (signal.aborted) break;
        await failed(error);
      }
    }
    isRunning = false;
    if (signal.aborted) return;
    if (state.isGone) dropAll();
    if (isMarked) {
      isMarked = false;
      void note();
    }
    deps.onIdle(lane);
  }

  /** False: there is nothing to tell. */
  async function step(): Promise<boolean> {
    const next = queue[0];
    if (next !== undefined) {
      await delivery.event(state, next.item, how);
      queue.shift();
      state.toldTo = next.item.position;
      if (queue.length === 0 && badgeAt === undefined) isMarked = false;
      void note();
      next.done.resolve();
      return true;
    }
    if (badgeAt === undefined) return false;
    const wait = badgeAt - clock.monotonic();
    if (wait > 0) {
      wake = new AbortController();
      await clock.sleep(wait, AbortSignal.any([signal, wake.signal]));
      return true;
    }
    badgeAt = undefined;
    badgeSending = badgeDone;
    badgeDone = Promise.withResolvers<void>();
    const before = state.badge;
    await delivery.badge(state, how);
    if (state.badge !== before) void note();
    badgeSending.resolve();
    return true;
  }

  async function failed(error: unknown): Promise<void> {
    state.failures += 1;
    const { userId, row, failures } = state;
    const about = { userId, appId: row.appId, failures };
    if (error instanceof GatewayFailed) {
      const { message: problem } = error;
      logger.debug({ ...about, problem }, "a push gateway did not take a notification");
    } else {
      logger.warn({ ...about, err: error }, "a notification failed");
    }
    await fallBehind(pauseAfter(failures, error, deps.random));
  }

  async function fallBehind(pauseMs: number): Promise<void> {
    state.isBehind = true;
    state.retryTs = clock.now() + pauseMs;
    await note();
    dropAll();
    deps.onBehind(state);
  }

  function dropAll(): void {
    for (const { done } of queue) done.resolve();
    queue = [];
    isOverfull = false;
    badgeAt = undefined;
    badgeSending.resolve();
    badgeDone.resolve();
    badgeDone = Promise.withResolvers<void>();
  }

  const lane: Lane = {
    state,
    event(item) {
      if (item.position <= addedTo || item.position <= state.toldTo) return undefined;
      begin();
      addedTo = item.position;
      const done = Promise.withResolvers<void>();
      if (queue.length >= MAX_WAITING) isOverfull = true;
      if (isOverfull) return queue.at(-1)!.done.promise;
      queue.push({ item, done });
      start();
      return done.promise;
    },
    badge() {
      begin();
      badgeAt ??= clock.monotonic() + BADGE_MS;
      const { promise } = badgeDone;
      if (!isRunning) start();
      return promise;
    },
    async mark() {
      isMarked = true;
      await note();
    },
    idle: () => running,
  };
  return lane;
}
