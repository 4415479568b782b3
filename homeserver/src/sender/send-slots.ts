import { createSemaphore } from "../platform/semaphore.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** So many transactions are under way at once, */
const MAX_SENDING = 100;
/** and apart from them so many to servers that failed of late: waiting for those keeps nobody else from their turn. */
const MAX_RETRYING = 20;

/** Runs a task when it is a server's turn. */
export type WithSendSlot = <T>(server: ServerName, task: () => Promise<T>) => Promise<T>;

/** Servers take turns: after each transaction a server queues up again behind the others. */
export function createSendSlots(isFailing: (server: ServerName) => boolean): WithSendSlot {
  const sendSlots = createSemaphore(MAX_SENDING);
  const retrySlots = createSemaphore(MAX_RETRYING);
  return async (server, task) => {
    const leave = await (isFailing(server) ? retrySlots : sendSlots).acquire();
    try {
      return await task();
    } finally {
      leave?.();
    }
  };
}
