import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";

/** Messages between the replicas of one server. One that is lost is not sent again. */
export interface Channel<T> {
  /** Tells all other replicas. */
  publish(message: T): void;
  /** Calls back for what others tell. @returns what unsubscribes */
  subscribe(listener: (message: T) => void): () => void;
  close(): Promise<void>;
}

/** A channel over Redis. `redis` publishes; a second connection of its settings subscribes. */
export async function createRedisChannel<T>(
  redis: Redis,
  { name, logger }: { readonly name: string; readonly logger: Logger },
): Promise<Channel<T>> {
  const self = randomUUID();
  const subscriber = redis.duplicate();
  const warn = (err: unknown): void => logger.warn({ err, channel: name }, "Redis");
  subscriber.on("error", warn);
  const listeners = new Set<(message: T) => void>();
  subscriber.on("message", (_channel: string, text: string) => {
    const { from, message } = JSON.parse(text) as { from: string; message: T };
    if (from === self) return;
    for (const listener of listeners) listener(message);
  });
  await subscriber.subscribe(name);
  return {
    publish(message) {
      redis.publish(name, JSON.stringify({ from: self, message })).catch(warn);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await subscriber.quit();
    },
  };
}
