import type { Clock } from "../../platform/clock.ts";
import type { UserId } from "../../protocol/identifiers.ts";

/** A long request, which ends when its session does. */
export interface SessionWatch {
  /**
   * Undefined while the session is known to continue, otherwise a promise.
   * @throws MatrixError M_UNKNOWN_TOKEN 401 once it has ended; with soft_logout when the token
   * merely expired; M_USER_LOCKED 401
   */
  check(): Promise<void> | undefined;
  /** Called when `check` should be asked again; returns the function that unsubscribes. */
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
  /**
   * When the token expires, in ms since 1970, null: never; undefined: the database has to be asked.
   */
  readonly expiryOf: (accessToken: string) => number | null | undefined;
  /** Throws when the token has ended. */
  readonly confirm: (accessToken: string) => unknown;
}

/** Longer than any request waits. */
const MAX_WATCH_MS = 10 * 60_000;

interface Watched {
  isDoubtful: boolean;
  readonly listeners: Set<() => void>;
}

/** Running requests by user. A session that ends costs one look-up for each of its own requests. */
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
