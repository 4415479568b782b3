import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";

/** Tells the other replicas that the log has grown. A lost message only delays: the log also polls. */
export interface Wake {
  /** Everything up to `position` is committed. */
  announce(position: number): void;
  onWake(listener: (position: number) => void): () => void;
  /** True when there may be other writers: then the log looks for their commits now and then, too. */
  readonly shared: boolean;
  stop(): Promise<void>;
}

/** For a single process. Two logs in one process that share it wake one another, as replicas would. */
export function createMemoryWake(options: { shared?: boolean } = {}): Wake {
  const listeners = new Set<(position: number) => void>();
  return {
    announce(position) {
      for (const listener of listeners) listener(position);
    },
    onWake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    shared: options.shared ?? false,
    stop: async () => {},
  };
}

/** Over Redis pub/sub. `redis` publishes; a second connection of its settings subscribes. */
export async function createRedisWake(
  redis: Redis,
  options: { prefix: string; logger: Logger },
): Promise<Wake> {
  const channel = `${options.prefix}log`;
  const subscriber = redis.duplicate();
  const listeners = new Set<(position: number) => void>();
  let announced = 0;
  let publishing = false;
  subscriber.on("error", (error: Error) => options.logger.warn({ err: error }, "Redis is away"));
  subscriber.on("message", (_channel: string, message: string) => {
    for (const listener of listeners) listener(Number(message));
  });
  await subscriber.subscribe(channel);

  /** One message is under way at a time; the next carries the newest position. */
  async function publish(): Promise<void> {
    publishing = true;
    for (let sent = 0; sent < announced;) {
      sent = announced;
      await redis.publish(channel, String(sent)).catch((error: unknown) => {
        options.logger.warn({ err: error }, "the other replicas were not woken");
      });
    }
    publishing = false;
  }

  return {
    announce(position) {
      announced = Math.max(announced, position);
      if (!publishing) void publish();
    },
    onWake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    shared: true,
    async stop() {
      listeners.clear();
      subscriber.disconnect();
    },
  };
}
