/** New notifications on their way: all pushers beside one another. */
import type { Clock } from "../platform/clock.ts";
import { createLane, type Lane, type LaneDeps } from "./lane.ts";
import type { PusherStates } from "./pusher-states.ts";
import type { Item, PusherState } from "./types.ts";

/** Something that a pusher is to be told. */
export interface OnItsWay {
  readonly lane: Pick<Lane, "mark">;
  /** It was told, or the pusher is noted as behind. Never rejects. */
  readonly done: Promise<void>;
}

export interface Lanes {
  /** Tells a pusher of an event; undefined: it need not be told. */
  event(state: PusherState, item: Item): OnItsWay | undefined;
  /** Tells a pusher soon how much is unread. */
  badge(state: PusherState): OnItsWay | undefined;
  /**
   * Resolves when these are told, or after a moment, when it is noted that the rest is not: a crash
   * loses nothing then. At a stop it waits for requests that are under way.
   */
  secured(all: readonly OnItsWay[]): Promise<void>;
  /** Resolves when no request is under way. */
  idle(): Promise<void>;
}

const SECURED_MS = 500;

export function createLanes(
  deps: Omit<LaneDeps, "onIdle"> & {
    readonly states: Pick<PusherStates, "hold" | "rest">;
    readonly clock: Clock;
  },
): Lanes {
  const { states, notes, clock, signal } = deps;
  const lanes = new Map<number, Lane>();

  function laneOf(state: PusherState): Lane {
    const known = lanes.get(state.pusherId);
    if (known) return known;
    const lane = createLane(state, { ...deps, onIdle });
    lanes.set(state.pusherId, lane);
    states.hold(state);
    return lane;
  }

  function onIdle({ state }: Lane): void {
    lanes.delete(state.pusherId);
    void notes.settled().then(() => states.rest(state));
  }

  const isToBeTold = ({ isBehind, isGone, row }: PusherState) =>
    !isBehind && !isGone && row.ackToken === null && !signal.aborted;

  const idle = async () => {
    await Promise.all([...lanes.values()].map((lane) => lane.idle()));
  };

  return {
    event(state, item) {
      if (!isToBeTold(state)) return undefined;
      const lane = laneOf(state);
      const done = lane.event(item);
      return done && { lane, done };
    },

    badge(state) {
      if (!isToBeTold(state) || state.badge === null) return undefined;
      const lane = laneOf(state);
      return { lane, done: lane.badge() };
    },

    async secured(all) {
      if (all.length === 0) return;
      const open = new Set(all);
      for (const one of all) void one.done.then(() => open.delete(one));
      const over = new AbortController();
      const late = clock.sleep(SECURED_MS, AbortSignal.any([signal, over.signal]));
      await Promise.race([Promise.all(all.map(({ done }) => done)), late]);
      over.abort("over");
      if (signal.aborted) await idle();
      // What has resolved leaves first.
      await Promise.resolve();
      await Promise.all([...new Set([...open].map(({ lane }) => lane))].map((lane) => lane.mark()));
    },
    idle,
  };
}
