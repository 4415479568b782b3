import type { SyncingUser } from "./syncing-user.ts";

/** A client waits for something new at most so long. */
export const MAX_WAIT_MS = 120_000;

/**
 * Wake-ups are gathered for this long, so that a burst of events costs each long-poll one answer.
 */
const WINDOW_MS = 5;

/** Gathers the users to wake and wakes them together after a short window. */
export function createWaker(setTimer: (run: () => void, ms: number) => unknown = setTimeout) {
  const due = new Set<SyncingUser>();
  let armed = false;

  function flush(): void {
    armed = false;
    const syncingUsers = [...due];
    due.clear();
    for (const user of syncingUsers) {
      const calls = [...user.waiting];
      user.waiting.clear();
      for (const call of calls) call();
    }
  }

  return {
    wake(syncingUsers: Iterable<SyncingUser>): void {
      for (const user of syncingUsers) if (user.waiting.size > 0) due.add(user);
      if (armed || due.size === 0) return;
      armed = true;
      setTimer(flush, WINDOW_MS);
    },

    /**
     * Resolves when the user is woken, the time is over, the request is aborted, or its session may
     * have ended.
     */
    wait(
      user: SyncingUser,
      ms: number,
      signal: AbortSignal,
      session?: { onDoubt(listener: () => void): () => void },
    ): Promise<void> {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          clearTimeout(timer);
          user.waiting.delete(done);
          signal.removeEventListener("abort", done);
          unwatch?.();
          resolve();
        };
        const timer = setTimeout(done, ms);
        user.waiting.add(done);
        const unwatch = session?.onDoubt(done);
        signal.addEventListener("abort", done, { once: true });
      });
    },
  };
}

export type Waker = ReturnType<typeof createWaker>;
