import type { Person } from "./syncing-users.ts";

/** Wakes are gathered for this long, so that a burst of events costs each long-poll one answer. */
const WINDOW_MS = 5;

/** Gathers who shall be woken and calls them together after a short window. */
export function createWaker(setTimer: (run: () => void, ms: number) => unknown = setTimeout) {
  const due = new Set<Person>();
  let armed = false;

  function flush(): void {
    armed = false;
    const people = [...due];
    due.clear();
    for (const person of people) {
      const calls = [...person.waiting];
      person.waiting.clear();
      for (const call of calls) call();
    }
  }

  return {
    wake(people: Iterable<Person>): void {
      for (const person of people) if (person.waiting.size > 0) due.add(person);
      if (armed || due.size === 0) return;
      armed = true;
      setTimer(flush, WINDOW_MS);
    },

    /** Resolves when the person is woken, the time is over, the request is gone or its session may be. */
    wait(
      person: Person,
      ms: number,
      signal: AbortSignal,
      session?: { onDoubt(listener: () => void): () => void },
    ): Promise<void> {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          clearTimeout(timer);
          person.waiting.delete(done);
          signal.removeEventListener("abort", done);
          unwatch?.();
          resolve();
        };
        const timer = setTimeout(done, ms);
        person.waiting.add(done);
        const unwatch = session?.onDoubt(done);
        signal.addEventListener("abort", done, { once: true });
      });
    },
  };
}

export type Waker = ReturnType<typeof createWaker>;
