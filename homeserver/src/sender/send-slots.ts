import { createSemaphore } from "../platform/semaphore.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** So many transactions are under way at once, */
const MOST = 100;
/** and apart from them so many to servers that failed of late: waiting for those keeps nobody else from their turn. */
const MOST_RETRIES = 20;

/** Runs a task when it is a server's turn. */
export type InTurn = <T>(server: ServerName, task: () => Promise<T>) => Promise<T>;

/** Servers take turns: after each transaction a server queues up again behind the others. */
export function createTurns(isFailing: (server: ServerName) => boolean): InTurn {
  const usual = createSemaphore(MOST);
  const retries = createSemaphore(MOST_RETRIES);
  return async (server, task) => {
    const leave = await (isFailing(server) ? retries : usual).acquire();
    try {
      return await task();
    } finally {
      leave?.();
    }
  };
}
