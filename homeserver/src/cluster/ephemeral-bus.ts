import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Logger } from "../platform/logger.ts";
import type { RoomId, UserId } from "../protocol/identifiers.ts";

/** One user's presence. */
export interface PresenceEntry {
  readonly userId: UserId;
  readonly presence: "online" | "offline" | "unavailable";
  readonly statusMsg: string | undefined;
  /** ms since 1970. */
  readonly lastActiveTs: number;
  readonly currentlyActive: boolean;
}

/** What one replica tells the others. */
export type EphemeralMessage =
  | {
      readonly kind: "typing";
      readonly roomId: RoomId;
      readonly userId: UserId;
      /** Typing for so many ms; 0: not any more. */
      readonly ms: number;
      /** The sender's serial of it: others' do not stay behind. */
      readonly serial?: number;
    }
  | { readonly kind: "presence"; readonly entry: PresenceEntry; readonly serial?: number };

/** Carries what is not in the log between replicas. A lost message costs a stale typing line, nothing else. */
export interface EphemeralBus {
  publish(message: EphemeralMessage): void;
  subscribe(listener: (message: EphemeralMessage) => void): () => void;
  close(): Promise<void>;
}

/**
 * The bus over Redis: messages by publish/subscribe, presences also in a hash, so that a replica that starts
 * later knows them. `redis` publishes; a second connection of its settings subscribes.
 */
export async function createRedisBus(
  redis: Redis,
  options: { readonly prefix: string; readonly logger: Logger },
): Promise<EphemeralBus> {
  const channel = `${options.prefix}ephemeral`;
  const hash = `${options.prefix}presence`;
  const self = randomUUID();
  const subscriber = redis.duplicate();
  const warn = (err: unknown): void => options.logger.warn({ err }, "Redis: typing and presence");
  subscriber.on("error", warn);
  const listeners = new Set<(message: EphemeralMessage) => void>();

  subscriber.on("message", (_channel: string, text: string) => {
    const { from, message } = JSON.parse(text) as { from: string; message: EphemeralMessage };
    if (from === self) return;
    for (const listener of listeners) listener(message);
  });
  await subscriber.subscribe(channel);

  async function tellKnown(listener: (message: EphemeralMessage) => void): Promise<void> {
    for (const text of Object.values(await redis.hgetall(hash))) {
      listener({ kind: "presence", entry: JSON.parse(text) as PresenceEntry });
    }
  }

  return {
    publish(message) {
      redis.publish(channel, JSON.stringify({ from: self, message })).catch(warn);
      if (message.kind !== "presence") return;
      const { userId, presence } = message.entry;
      const kept =
        presence === "offline"
          ? redis.hdel(hash, userId)
          : redis.hset(hash, userId, JSON.stringify(message.entry));
      kept.catch(warn);
    },
    subscribe(listener) {
      listeners.add(listener);
      tellKnown(listener).catch(warn);
      return () => listeners.delete(listener);
    },
    async close() {
      await subscriber.quit();
    },
  };
}
