import type { Append, Committed, Log } from "../../../src/log/types.ts";
import type { TestServer } from "./world.ts";
import { inTime } from "../../support/wait.ts";

export interface HeldLog {
  /** Resolves when so many appends wait. */
  until(n: number): Promise<void>;
  /** Lets all go that wait, in order, and whatever comes. */
  release(): void;
}

/** What the server hands to its log waits, in order, until it is let go. */
export function holdLog(server: TestServer): HeldLog {
  const log = server.log as { append: Log["append"] };
  const honest = log.append.bind(server.log);
  const held: { readonly rows: Append; go(): void }[] = [];
  const waiters: { readonly n: number; readonly resolve: () => void }[] = [];
  log.append = (rows) => {
    const { promise, resolve } = Promise.withResolvers<Committed>();
    held.push({ rows, go: () => resolve(honest(rows)) });
    for (const waiter of waiters) if (held.length >= waiter.n) waiter.resolve();
    return promise;
  };
  return {
    release() {
      log.append = honest;
      for (const { go } of held.splice(0)) go();
    },
    until(n) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiters.push({ n, resolve });
      if (held.length >= n) resolve();
      return inTime(`${n} appends wait`, promise);
    },
  };
}
