import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Channel } from "../platform/channel.ts";
import type { Logger } from "../platform/logger.ts";

/**
 * Messages between the replicas of a server, beside the log: only what may be lost, because it
 * expires by itself or is looked up again.
 */
export interface Bus {
  /** The messages of one topic. Each topic is opened once. */
  channel<T>(topic: string): Promise<Channel<T>>;
  close(): Promise<void>;
}

/** A bus over Redis. `redis` publishes; a second connection of its settings subscribes. */
export function createRedisBus(
  redis: Redis,
  { prefix, logger }: { readonly prefix: string; readonly logger: Logger },
): Bus {
  const self = randomUUID();
  const subscriber = redis.duplicate();
  const warn = (err: unknown): void => logger.warn({ err }, "Redis: the bus between replicas");
  const topics = new Map<string, Set<(message: unknown) => void>>();
  const reconnected = new Set<() => void>();
  let isConnected = false;
  subscriber.on("error", warn);
  subscriber.on("message", (name: string, text: string) => {
    // Other versions of Weft may say something else; nothing that is heard ends the process.
    try {
      const { from, message } = JSON.parse(text) as { from: string; message: unknown };
      if (from === self) return;
      for (const listener of topics.get(name) ?? []) listener(message);
    } catch (error) {
      warn(error);
    }
  });
  subscriber.on("ready", () => {
    // The connection renews its subscriptions by itself.
    if (isConnected) for (const listener of reconnected) listener();
    isConnected = true;
  });

  return {
    async channel<T>(topic: string): Promise<Channel<T>> {
      const name = `${prefix}${topic}`;
      const listeners = new Set<(message: unknown) => void>();
      topics.set(name, listeners);
      await subscriber.subscribe(name);
      return {
        publish(message) {
          redis.publish(name, JSON.stringify({ from: self, message })).catch(warn);
        },
        subscribe(listener) {
          const hear = (message: unknown) => listener(message as T);
          listeners.add(hear);
          return () => listeners.delete(hear);
        },
        onReconnect(listener) {
          reconnected.add(listener);
          return () => reconnected.delete(listener);
        },
      };
    },
    async close() {
      await subscriber.quit();
    },
  };
}
