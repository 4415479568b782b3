import type { Clock } from "../../platform/clock.ts";
import type { UserId } from "../../protocol/identifiers.ts";

/** A request that goes on for long, and ends with the session that it was made in. */
export interface SessionWatch {
  /**
   * Nothing while the session is known to go on, otherwise a promise of the same.
   * @throws MatrixError M_UNKNOWN_TOKEN 401 once it is over; with soft_logout when the token merely expired
   */
  check(): Promise<void> | undefined;
  /** Called when there is reason to ask `check` again; returns what ends that. */
  onDoubt(listener: () => void): () => void;
  /** The request is answered. */
  end(): void;
}

export interface SessionWatches {
  watch(userId: UserId, accessToken: string): SessionWatch;
  /** Tokens of the user (of anybody, when undefined) may have ended. */
  changed(userId: string | undefined): void;
}

export interface SessionWatchDeps {
  readonly clock: Clock;
  /** When the token expires, ms since 1970, null: never; undefined: whether it is good is to be asked. */
  readonly expiryOf: (accessToken: string) => number | null | undefined;
  /** Throws when the token is over. */
  readonly confirm: (accessToken: string) => unknown;
}

/** Longer than any request waits. */
const MAX_WATCH_MS = 10 * 60_000;

interface Watched {
  isDoubtful: boolean;
  readonly listeners: Set<() => void>;
}

/** Requests under way by user. One that ends in between costs a look-up of its own token, and nobody else anything. */
export function createSessionWatches(deps: SessionWatchDeps): SessionWatches {
  const byUser = new Map<string, Set<Watched>>();

  function doubt(watched: Watched): void {
    watched.isDoubtful = true;
    for (const listener of watched.listeners) listener();
  }

  return {
    watch(userId, accessToken) {
      const expiresTs = deps.expiryOf(accessToken);
      const watched: Watched = { isDoubtful: expiresTs === undefined, listeners: new Set() };
      let ofUser = byUser.get(userId);
      if (!ofUser) byUser.set(userId, (ofUser = new Set()));
      ofUser.add(watched);
      const left = expiresTs == null ? Infinity : expiresTs - deps.clock.now();
      const timer =
        left < MAX_WATCH_MS ? setTimeout(() => doubt(watched), Math.max(0, left)) : undefined;
      timer?.unref();
      return {
        check() {
          if (!watched.isDoubtful) return undefined;
          watched.isDoubtful = false;
          return Promise.resolve(deps.confirm(accessToken)).then(
            () => undefined,
            (error: unknown) => {
              watched.isDoubtful = true;
              throw error;
            },
          );
        },
        onDoubt(listener) {
          watched.listeners.add(listener);
          if (watched.isDoubtful) queueMicrotask(listener);
          return () => watched.listeners.delete(listener);
        },
        end() {
          clearTimeout(timer);
          ofUser.delete(watched);
          if (ofUser.size === 0 && byUser.get(userId) === ofUser) byUser.delete(userId);
        },
      };
    },
    changed(userId) {
      const concerned = userId === undefined ? byUser.values() : [byUser.get(userId) ?? []];
      for (const ofUser of concerned) for (const watched of ofUser) doubt(watched);
    },
  };
}
