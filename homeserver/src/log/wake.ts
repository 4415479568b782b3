import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";
import { decodeSpan, encodeSpan, type LogSpan } from "./wire.ts";

/**
 * Announces new commits to the other replicas. A lost message only delays: the log also polls, and
 * reads from the tables.
 */
export interface Wake {
  /** The span was committed. */
  announce(span: LogSpan): void;
  /** Everything up to `end` is committed. The span, if known, is a part of that. */
  onWake(listener: (end: number, span: LogSpan | undefined) => void): () => void;
  /** True when there may be other writers: then the log also polls for their commits. */
  readonly shared: boolean;
  stop(): Promise<void>;
}

/**
 * For a single process. Two logs in one process that share it wake each other, and read from the
 * tables.
 */
export function createMemoryWake(options: { shared?: boolean } = {}): Wake {
  const listeners = new Set<(end: number, span: undefined) => void>();
  return {
    announce({ end }) {
      for (const listener of listeners) listener(end, undefined);
    },
    onWake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    shared: options.shared ?? false,
    stop: async () => {},
  };
}

/** Limit on messages: what does not fit is read from the tables. */
const MAX_MESSAGE = 512 * 1024;

/** Over Redis pub/sub. `redis` publishes; a second connection of its settings subscribes. */
export async function createRedisWake(
  redis: Redis,
  options: { prefix: string; logger: Logger },
): Promise<Wake> {
  // Not "log": on that channel replicas of earlier versions expect a bare position.
  const channel = `${options.prefix}spans`;
  const subscriber = redis.duplicate();
  const listeners = new Set<(end: number, span: LogSpan | undefined) => void>();
  let announced = 0;
  let publishing = false;
  /** Spans waiting while a message is being sent. */
  let waiting: string[] = [];
  let waitingLength = 0;
  subscriber.on("error", (error: Error) => options.logger.warn({ err: error }, "Redis is away"));
  subscriber.on("message", (_channel: string, message: string) => receive(message));
  await subscriber.subscribe(channel);

  function receive(message: string): void {
    try {
      const announcement = JSON.parse(message) as {
        end: number;
        spans: Parameters<typeof decodeSpan>[0][];
      };
      for (const one of announcement.spans) {
        const span = decodeSpan(one);
        for (const listener of listeners) listener(one.end, span);
      }
      for (const listener of listeners) listener(announcement.end, undefined);
    } catch (error) {
      options.logger.warn({ err: error }, "what another replica told of the log can't be read");
    }
  }

  /** Sends one message at a time; the next contains everything that came meanwhile. */
  async function publish(): Promise<void> {
    publishing = true;
    for (let sent = 0; sent < announced;) {
      sent = announced;
      const message = `{"end":${sent},"spans":[${waiting.join(",")}]}`;
      waiting = [];
      waitingLength = 0;
      await redis.publish(channel, message).catch((error: unknown) => {
        options.logger.warn({ err: error }, "the other replicas were not woken");
      });
    }
    publishing = false;
  }

  return {
    announce(span) {
      announced = Math.max(announced, span.end);
      const text = encodeSpan(span);
      if (waitingLength + text.length <= MAX_MESSAGE) {
        waiting.push(text);
        waitingLength += text.length;
      }
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
