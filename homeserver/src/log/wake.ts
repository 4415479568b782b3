import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";
import { decodeSpan, encodeSpan, type LogSpan } from "./wire.ts";

/**
 * Tells the other replicas that the log has grown, and by what. A lost message only delays: the log also polls, and
 * reads from the tables what it was not told.
 */
export interface Wake {
  /** The span is committed. */
  announce(span: LogSpan): void;
  /** Everything up to `end` is committed; the span, where it is known, is a part of that. */
  onWake(listener: (end: number, span: LogSpan | undefined) => void): () => void;
  /** True when there may be other writers: then the log looks for their commits now and then, too. */
  readonly shared: boolean;
  stop(): Promise<void>;
}

/** For a single process. Two logs in one process that share it wake one another, and read from the tables. */
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

/** Longest message: who is told of more reads it from the tables. */
const MAX_MESSAGE = 512 * 1024;

/** Over Redis pub/sub. `redis` publishes; a second connection of its settings subscribes. */
export async function createRedisWake(
  redis: Redis,
  options: { prefix: string; logger: Logger },
): Promise<Wake> {
  // Not "log": there, replicas of earlier versions tell and expect a bare position.
  const channel = `${options.prefix}spans`;
  const subscriber = redis.duplicate();
  const listeners = new Set<(end: number, span: LogSpan | undefined) => void>();
  let announced = 0;
  let publishing = false;
  /** Spans that wait while a message is under way. */
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

  /** One message is under way at a time; the next carries all that came meanwhile. */
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
