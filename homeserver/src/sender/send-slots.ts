import { createSemaphore } from "../platform/semaphore.ts";
import type { ServerName } from "../protocol/identifiers.ts";

/** Limit on concurrent transactions, */
const MAX_SENDING = 100;
/**
 * and a separate limit for servers that failed recently: waiting for those must not hold up the
 * others.
 */
const MAX_RETRYING = 20;

/** Runs a task when a slot for the server is free. */
export type WithSendSlot = <T>(server: ServerName, task: () => Promise<T>) => Promise<T>;

/** Slots are shared fairly: after each transaction a server queues up again behind the others. */
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
