import type { Channel } from "../platform/channel.ts";

/** Asks for transactions that were not taken to be tried again, on whichever replica sends them. */
export interface Retries {
  retry(service: string): void;
  /** @returns what unsubscribes */
  onRetry(listener: (service: string) => void): () => void;
}

/** `channel` absent: there is one replica. */
export function createRetries(channel: Channel<string> | undefined): Retries {
  const listeners = new Set<(service: string) => void>();
  return {
    retry(service) {
      channel?.publish(service);
      for (const listener of listeners) listener(service);
    },
    onRetry(listener) {
      listeners.add(listener);
      const unsubscribe = channel?.subscribe(listener);
      return () => {
        listeners.delete(listener);
        unsubscribe?.();
      };
    },
  };
}
