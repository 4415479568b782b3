import type { Channel } from "../../src/platform/channel.ts";

export interface TestChannel<T> extends Channel<T> {
  /** What others tell from now on does not come here. */
  lose(): void;
  /** It comes again. */
  reconnect(): void;
}

/** So many ends of one channel, in this process. */
export function connectedChannels<T>(count: number): TestChannel<T>[] {
  const ends: { hear(message: T): void }[] = [];
  return Array.from({ length: count }, () => {
    const listeners = new Set<(message: T) => void>();
    const reconnected = new Set<() => void>();
    let isConnected = true;
    const end = {
      hear(message: T) {
        if (isConnected) for (const listener of listeners) listener(message);
      },
    };
    ends.push(end);
    return {
      publish(message) {
        for (const other of ends) if (other !== end) other.hear(message);
      },
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      onReconnect(listener) {
        reconnected.add(listener);
        return () => reconnected.delete(listener);
      },
      lose() {
        isConnected = false;
      },
      reconnect() {
        isConnected = true;
        for (const listener of reconnected) listener();
      },
    };
  });
}
